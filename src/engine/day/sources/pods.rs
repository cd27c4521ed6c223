//! Pods of two deployments: containers that crash again and again, and an image that cannot be pulled.

use super::super::{
    luck::{Luck, Spell, is_in},
    oracle::{Moment, Promise, Rung, Said},
    truth::{HOUR, MINUTE, Milli, Place, SECOND, Truth, time},
};
use crate::model::{
    Entity, Level,
    kubernetes::{Container, ContainerState, End, Owner, Pod},
};

/// A container that crashes for a while: each spell is a wait after a crash, and it runs between them.
type Loop = Vec<Spell>;

struct One {
    deployment: &'static str,
    name: &'static str,
    loops: Vec<Loop>,
    /// Its image cannot be pulled.
    stuck: Vec<Spell>,
}

pub struct Pods(Vec<One>);

impl Pods {
    pub fn of(luck: &mut Luck) -> Self {
        let mut crashing = |deployment, name| {
            let begins = luck.spells((5400, 14_400), (1, 2));
            One {
                deployment,
                name,
                loops: begins.iter().map(|begin| a_loop(luck, begin.from)).collect(),
                stuck: Vec::new(),
            }
        };
        let [a, b] = [crashing("web", "web-a"), crashing("web", "web-b")];
        let (c, d) = (crashing("web", "web-c"), crashing("search", "search-a"));
        let stuck = luck.spells((3600, 10_000), (20, 1200));
        let e = One { deployment: "search", name: "search-b", loops: Vec::new(), stuck };
        Self(vec![a, b, c, d, e])
    }

    pub fn objects(&self, at: Milli) -> Vec<Pod> {
        self.0.iter().map(|one| one.pod(at)).collect()
    }
}

fn a_loop(luck: &mut Luck, begin: Milli) -> Loop {
    let mut from = begin;
    let mut wait = |_| {
        let spell = Spell { from, to: from + luck.seconds(70, 200) };
        from = spell.to + luck.seconds(20, 240);
        spell
    };
    let many = begin / SECOND % 6 + 1;
    (0..many).map(&mut wait).collect()
}

impl One {
    fn pod(&self, at: Milli) -> Pod {
        let crashes = || self.loops.iter().flatten().filter(|wait| wait.from <= at);
        let waits = |reason: &str| ContainerState::Waiting { reason: Some(reason.to_owned()), message: None };
        let last = crashes().next_back();
        let state = match last {
            _ if is_in(&self.stuck, at) => Some(waits("ImagePullBackOff")),
            Some(wait) if wait.holds(at) => Some(waits("CrashLoopBackOff")),
            last => last.map(|wait| ContainerState::Running { since: Some(time(wait.to)) }),
        };
        let ended =
            |wait: &Spell| End { reason: Some("Error".to_owned()), code: 1, at: Some(time(wait.from)) };
        let container = state.map(|state| Container {
            name: "main".to_owned(),
            init: false,
            restarts: i64::try_from(crashes().count()).unwrap(),
            state,
            last: last.map(ended),
        });
        Pod {
            namespace: "shop".to_owned(),
            name: self.name.to_owned(),
            uid: format!("uid-{}", self.name),
            node: None,
            owner: Some(Owner { kind: "Deployment".to_owned(), name: self.deployment.to_owned() }),
            created: None,
            deleted: false,
            phase: "Running".to_owned(),
            reason: None,
            message: None,
            unscheduled: None,
            ended: None,
            restless: container.into_iter().collect(),
        }
    }

    /// A crash loop that somebody saw is over ten minutes after the container runs again.
    fn is_in_trouble(&self, moment: Moment<'_>) -> bool {
        if is_in(&self.stuck, moment.asked) {
            return true;
        }
        let began = self.loops.iter().rfind(|waits| waits[0].from <= moment.asked);
        let Some(waits) = began else { return false };
        let last = waits.iter().rfind(|wait| wait.from <= moment.asked).map_or(0, |wait| wait.to);
        let looks = moment.before.iter().rev().map(|(_, asked)| *asked);
        let mut looks = [moment.asked].into_iter().chain(looks).take_while(|asked| *asked >= waits[0].from);
        moment.tick - last < 10 * MINUTE && looks.any(|asked| is_in(waits, asked))
    }
}

pub fn promises(truth: &Truth) -> Vec<Promise<'_>> {
    let pods = Promise::new("kubernetes-pods", MINUTE, Place::Kubernetes)
        .repeats(20 * MINUTE)
        .damped((3, 4 * HOUR, HOUR))
        .rung(Rung::new(Level::Warning, |share| share > 0.0))
        .rung(Rung::new(Level::Critical, |share| share >= 0.5).lasting(5 * MINUTE))
        .says(move |moment| {
            let share = |deployment: &str| {
                let of_it = || truth.pods.0.iter().filter(|one| one.deployment == deployment);
                let troubled = of_it().filter(|one| one.is_in_trouble(moment)).count();
                Said::Number(troubled as f64 / of_it().count() as f64)
            };
            let of = |name: &str| {
                let workload = format!("Deployment/{name}");
                (Entity::new([("namespace", "shop"), ("workload", &workload)]), share(name))
            };
            ["web", "search"].map(of).into()
        });
    vec![pods]
}
