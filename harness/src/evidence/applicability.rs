//! Whether the scenario that runs stands for this machine and this stack.

use super::current;
use crate::catalogue::{Catalogue, Versions};
use crate::docker::Engine;
use crate::doctor::{self, Answer};
use crate::stack::Stack;
use crate::{Error, Result};

/// Why the requirement of the scenario that runs does not stand here: the stack's version is none that it applies to, or
/// a feature that it needs was probed and is not there. `None` where it stands, or is in no catalogue.
///
/// `harness conform` leaves such scenarios out. Another runner knows nothing of the catalogue, so a scenario whose
/// requirement has `features` or `applies` asks first, and ends by [`not_applicable`](super::not_applicable).
///
/// # Errors
/// As the catalogue and the stack are read and the engine answers.
pub async fn inapplicable() -> Result<Option<String>> {
    let Some(id) = current().snapshot().requirement else {
        return Ok(None);
    };
    let catalogue = Catalogue::of_workspace()?;
    let Some(requirement) = catalogue.find(&id) else {
        return Ok(None);
    };
    if let Some(why) = Versions::of(&Stack::load(None)?).exclude(requirement) {
        return Ok(Some(why));
    }
    if requirement.features.is_empty() {
        return Ok(None);
    }
    let capabilities = doctor::capabilities(&Engine::connect().await?).await;
    for feature in &requirement.features {
        let ability = capabilities.abilities.get(feature);
        let ability = ability.ok_or_else(|| Error::internal(format!("{id} needs {feature}, which nothing probes")))?;
        if ability.answer == Answer::No {
            return Ok(Some(format!("{feature}: {}: {}", ability.probe, ability.output)));
        }
    }
    Ok(None)
}
