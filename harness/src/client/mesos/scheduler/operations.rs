//! What a framework does with an offer besides launching tasks.

use serde_json::{Value, json};

use super::framework::Framework;
use super::offer::{Bundle, Offer};
use crate::Result;
use crate::client::resources::{Reserved, Volume};

/// An operation on offered resources (Mesos `include/mesos/v1/mesos.proto`, `Offer.Operation`). The framework must have
/// [`Capability::ReservationRefinement`](super::Capability::ReservationRefinement): a reservation is written in its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Reserves what is not reserved.
    Reserve(Reserved),
    /// Gives a reservation up.
    Unreserve(Reserved),
    /// Makes a volume of reserved disk.
    Create(Volume),
    /// Destroys a volume that no task has, with what is in it.
    Destroy(Volume),
}

impl Operation {
    fn to_v1(&self) -> Value {
        match self {
            Operation::Reserve(reserved) => {
                json!({ "type": "RESERVE", "reserve": { "resources": reserved.to_v1() } })
            }
            Operation::Unreserve(reserved) => {
                json!({ "type": "UNRESERVE", "unreserve": { "resources": reserved.to_v1() } })
            }
            Operation::Create(volume) => json!({ "type": "CREATE", "create": { "volumes": [volume.to_v1()] } }),
            Operation::Destroy(volume) => json!({ "type": "DESTROY", "destroy": { "volumes": [volume.to_v1()] } }),
        }
    }
}

impl Framework {
    /// Does `operations` to an offer, one after the other, and gives it back: what came of them is in the next offer.
    /// A master drops an operation that it finds wrong without a word to the framework.
    ///
    /// # Errors
    /// [`Kind::Answer`](crate::Kind::Answer) when the offer no longer stands, and the call's.
    pub async fn apply(&self, offer: &Offer, operations: impl IntoIterator<Item = Operation>) -> Result<()> {
        let bundle: Bundle = self.take_offer(offer)?;
        let operations = operations.into_iter().map(|operation| operation.to_v1()).collect();
        self.send_accept(&bundle, operations, &[]).await
    }
}
