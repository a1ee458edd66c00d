//! The checks that need a cluster, in the order they are made. Those that need none are
//! [`package::Check`](crate::package::Check).

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! checks {
    ($($name:ident $id:literal $what:literal, $remedy:literal;)*) => {
        /// One thing that a package must do on a cluster. Its name is permanent.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum LiveCheck {
            $(#[doc = $what] $name,)*
        }

        impl LiveCheck {
            /// All of them, in the order they are made.
            pub const ALL: &'static [LiveCheck] = &[$(LiveCheck::$name),*];

            /// As in `install.healthy`.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(LiveCheck::$name => $id,)* }
            }

            /// What it demands, as one sentence.
            #[must_use]
            pub fn what(self) -> &'static str {
                match self { $(LiveCheck::$name => $what,)* }
            }

            /// What to look at where it is not met.
            #[must_use]
            pub fn remedy(self) -> &'static str {
                match self { $(LiveCheck::$name => $remedy,)* }
            }
        }
    };
}

checks! {
    InstallRuns "install.runs"
        "`dcos package install` ends well, and says the notes of package.json.",
        "see what the client said; `dcos --log-level=ERROR` shows what pip said";
    InstallApp "install.app"
        "The app in Marathon is the rendered one with the client's labels.",
        "write the app as Marathon keeps it: what it drops or changes is not what was asked for";
    InstallHealthy "install.healthy"
        "Every task runs, and passes its health checks within their grace period.",
        "see the task's output; a longer gracePeriodSeconds gives a slow start its time";
    ServeFramework "serve.framework"
        "A framework registers with Mesos under the name that an uninstall looks for.",
        "register with the name of the option `framework-name`";
    ServePage "serve.page"
        "The service's page is there behind Admin Router, at /service/NAME/.",
        "listen on the port of DCOS_SERVICE_PORT_INDEX, or register the framework with a webui_url that answers";
    ServeName "serve.name"
        "The names of the app and of the framework resolve.",
        "name the app and the framework by letters, digits and hyphens";
    ServeCommand "serve.command"
        "Every sub-command answers --info and --help.",
        "answer both with a text and the exit code 0; see what the program said";
    SurviveTask "survive.task"
        "A task whose processes are killed comes back.",
        "start from whatever state the killed process left; see the new task's output";
    SurviveScheduler "survive.scheduler"
        "A framework whose scheduler is killed is back under its name, with as many tasks as before.",
        "register again, and look for the tasks that still run";
    SurviveAgent "survive.agent"
        "With the agent of a task gone, the service runs on the agents that are left.",
        "ask for no agent in particular, and leave one of them spare";
    UninstallRuns "uninstall.runs"
        "`dcos package uninstall` ends well.",
        "see what the client said";
    LeaveApp "leave.app"
        "After an uninstall no app is left in Marathon.",
        "remove the apps that the service made, before it ends";
    LeaveFramework "leave.framework"
        "After an uninstall no framework is left in Mesos.",
        "say `\"framework\": true`, and name the framework in the option `framework-name`";
    LeaveTask "leave.task"
        "After an uninstall no task is left in Mesos.",
        "end the tasks with their framework";
    LeaveReservation "leave.reservation"
        "After an uninstall no resource is left reserved.",
        "unreserve what was reserved, and destroy persistent volumes";
    LeaveZnode "leave.znode"
        "After an uninstall no node is left in ZooKeeper, but for those that postUninstallNotes names.",
        "remove what the service wrote, let it be ephemeral, or tell by its path that it stays";
    LeaveName "leave.name"
        "After an uninstall no name is left in DNS.",
        "names go with the tasks and the frameworks that have them";
    InstallAgain "install.again"
        "It installs again after an uninstall, and is healthy.",
        "see what the first installation left behind";
    UpgradeHealthy "upgrade.healthy"
        "Each earlier revision becomes this one by an update of its app, and this one the earlier, and both are healthy.",
        "read the state of every other revision";
    UpgradeState "upgrade.state"
        "An update keeps what the service had: its framework's id, its nodes in ZooKeeper, its reservations.",
        "take over the state where the other revision has it";
}

impl fmt::Display for LiveCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl Serialize for LiveCheck {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::package::Check;

    #[test]
    fn names_are_unique_among_all_checks_and_say_a_sentence() {
        let statics = Check::ALL.iter().map(|check| check.id());
        let ids: BTreeSet<&str> = LiveCheck::ALL.iter().map(|check| check.id()).chain(statics).collect();
        assert_eq!(ids.len(), LiveCheck::ALL.len() + Check::ALL.len());
        for check in LiveCheck::ALL {
            assert!(check.what().ends_with('.') && !check.remedy().ends_with('.'), "{check}");
        }
    }
}
