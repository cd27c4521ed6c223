//! What was seen of one list: identical questions of one instant are asked once, and a long list that is asked for again and
//! again is watched instead.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use kube::Client;
use tokio::{task::AbortHandle, time::Instant};

use super::{
    follow::follow,
    list::{Asked, Listed, PAGE},
    view::{Object, View},
};
use crate::model::{
    Reason,
    kubernetes::{Listing, Resource},
};

/// A question that is under way is joined for so long; who comes later asks for what is true by then.
const JOINED: Duration = Duration::from_secs(1);
/// What is looked at less often than this is listed each time: a watch in between would cost more.
pub const OFTEN: Duration = Duration::from_secs(150);
/// More objects than this are not kept.
pub const MOST_KEPT: usize = 100_000;
/// After so long everything is listed anew, whatever the watch says.
const TRUSTED: Duration = Duration::from_secs(3600);
/// How long nothing is watched after a watch that never showed anything: it is forbidden, or cut off on the way.
const PAUSE: Duration = Duration::from_secs(600);

/// Who asks: for an answer at once, and for a stream that may be silent.
pub struct Askers {
    pub quick: Client,
    pub patient: Client,
}

/// What is listed, and in which namespace.
type Place = (Resource, Option<String>);

/// The lists of objects of one shape.
pub struct Shelves<T>(Mutex<HashMap<Place, Arc<Shelf<T>>>>);

impl<T> Default for Shelves<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Object> Shelves<T> {
    pub async fn look(
        &self,
        askers: &Askers,
        listing: &Listing,
        timeout: Duration,
    ) -> Result<Vec<T>, Reason> {
        let everywhere = [None];
        let named: Vec<Option<String>> = listing.namespaces.iter().cloned().map(Some).collect();
        let mut objects = Vec::new();
        for namespace in if named.is_empty() { &everywhere[..] } else { &named } {
            let (resource, client) = (listing.resource, askers.quick.clone());
            let asked = Asked { client, resource, namespace: namespace.clone(), timeout };
            let seen = self.shelf(&asked).look(asked, &askers.patient).await?;
            objects.extend(Arc::try_unwrap(seen).unwrap_or_else(|shared| shared.as_ref().clone()));
        }
        Ok(objects)
    }

    fn shelf(&self, asked: &Asked) -> Arc<Shelf<T>> {
        let mut shelves = lock(&self.0);
        shelves.entry((asked.resource, asked.namespace.clone())).or_default().clone()
    }
}

type Answer<T> = Result<Arc<Vec<T>>, Reason>;
type Flight<T> = BoxFuture<'static, Answer<T>>;

/// One list.
struct Shelf<T> {
    /// The question that is under way, and since when.
    flying: Mutex<Option<(Instant, WeakShared<Flight<T>>)>>,
    kept: Mutex<Kept<T>>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        let kept = Kept { looked: None, watch: None, not_before: None };
        Self { flying: Mutex::default(), kept: Mutex::new(kept) }
    }
}

struct Kept<T> {
    looked: Option<Instant>,
    watch: Option<Watch<T>>,
    not_before: Option<Instant>,
}

/// A view that is kept up to date; it ends with the value.
struct Watch<T> {
    view: Arc<View<T>>,
    task: AbortHandle,
}

impl<T> Drop for Watch<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<T: Object> Shelf<T> {
    async fn look(self: Arc<Self>, asked: Asked, patient: &Client) -> Answer<T> {
        self.fly(asked, patient).await
    }

    fn fly(self: Arc<Self>, asked: Asked, patient: &Client) -> Shared<Flight<T>> {
        let now = Instant::now();
        let mut flying = lock(&self.flying);
        let known = flying.as_ref().filter(|(begun, _)| now.duration_since(*begun) <= JOINED);
        if let Some(flight) = known.and_then(|(_, flight)| flight.upgrade()) {
            return flight;
        }
        let (shelf, patient) = (self.clone(), patient.clone());
        let flight = async move { shelf.ask(asked, patient, now).await }.boxed().shared();
        *flying = flight.downgrade().map(|flight| (now, flight));
        flight
    }

    async fn ask(&self, asked: Asked, patient: Client, now: Instant) -> Answer<T> {
        let before = lock(&self.kept).looked.replace(now);
        if let Some(view) = self.watched(now) {
            // who cannot be asked now is not answered for
            let moment = asked.moment().await?;
            match view.shown(moment).await {
                Ok(objects) => {
                    tracing::debug!(
                        resource = asked.resource.name(),
                        objects = objects.len(),
                        "seen by a watch"
                    );
                    return Ok(Arc::new(objects));
                }
                Err(why) => {
                    tracing::debug!(resource = asked.resource.name(), %why, "what was watched is not taken");
                }
            }
        }
        let listed = asked.list::<T>().await?;
        tracing::debug!(resource = asked.resource.name(), objects = listed.objects.len(), "listed");
        let often = before.is_some_and(|before| now.duration_since(before) <= OFTEN);
        let asked = Asked { client: patient, ..asked };
        self.renew(asked, &listed, now, often);
        Ok(Arc::new(listed.objects))
    }

    fn watched(&self, now: Instant) -> Option<Arc<View<T>>> {
        let kept = lock(&self.kept);
        let view = &kept.watch.as_ref()?.view;
        (now.duration_since(view.listed) < TRUSTED).then(|| view.clone())
    }

    /// Watches from here on, where that helps: a list of one page costs no more than a sign of life.
    fn renew(&self, asked: Asked, listed: &Listed<T>, now: Instant, often: bool) {
        let mut kept = lock(&self.kept);
        if kept.watch.take().is_some_and(|watch| watch.view.is_hopeless()) {
            kept.not_before = Some(now + PAUSE);
            tracing::info!(resource = asked.resource.name(), "not watched for a while: it showed nothing");
        }
        let long = listed.objects.len() > PAGE as usize && listed.objects.len() <= MOST_KEPT;
        let paused = kept.not_before.is_some_and(|until| now < until);
        let Some(version) = listed.version.filter(|_| often && long && !paused) else { return };
        let view = Arc::new(View::new(&listed.objects, version, now));
        let task = tokio::spawn(follow(view.clone(), asked)).abort_handle();
        kept.watch = Some(Watch { view, task });
    }
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
