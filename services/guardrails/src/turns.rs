//! Whose turn it is: callers share the processors' time and the processes that render.
//!
//! A check may take a sixth of a second of a processor, and a template two whole seconds of one of few workers. In the order
//! in which they come, one caller's hundred would keep everybody else's one waiting. So a caller has half of either at once,
//! and whoever holds least is next ([`maily_chassis::Pool`]). Loading a configuration renders what nobody has rendered
//! before; a caller's checks don't wait behind their loads. The orchestrator asks for all campaigns: of it, each of them is a
//! caller ([`Who`]).

use std::{hash::Hash, sync::Arc, thread::available_parallelism, time::Duration};

use maily_chassis::{Caller, Hold, Peer, Pool, PoolBounds, WorkError, blocking};
use maily_proto::CAMPAIGN;
use maily_template::WORKERS;
use tokio::time::timeout;
use tonic::Request;

/// Requests that wait for either.
const WAITING: usize = 1_024;
/// How long one waits; as a template for its worker.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who may say which campaign a request is for.
const ORCHESTRATOR: &str = "orchestrator";
/// Bytes of a campaign's id.
const MAX_CAMPAIGN: usize = 64;

/// Who takes turns: a caller, or one campaign of the orchestrator.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Who {
    caller: Caller,
    campaign: Option<Arc<str>>,
}

impl From<Caller> for Who {
    fn from(caller: Caller) -> Self {
        Self { caller, campaign: None }
    }
}

impl Who {
    /// Whoever makes this request. What anybody but the orchestrator says of a campaign counts for nothing: they could take
    /// the turns of as many as they can name.
    pub(crate) fn of<T>(request: &Request<T>) -> Self {
        let believed = request.extensions().get::<Peer>().is_some_and(|Peer(peer)| peer == ORCHESTRATOR);
        let named = request.metadata().get(CAMPAIGN).filter(|_| believed);
        let named = named.and_then(|named| named.to_str().ok());
        let campaign = named.filter(|named| (1..=MAX_CAMPAIGN).contains(&named.len())).map(Arc::from);
        Self { caller: Caller::of(request.extensions()), campaign }
    }
}

/// What is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Rendering {
    /// The prompts of a configuration, with short texts.
    Load,
    /// A prompt, to be put before a model.
    Prompt,
}

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoTurn {
    #[error("too much is under way; try again")]
    Busy,
    #[error(transparent)]
    Work(#[from] WorkError),
}

/// The turns of one caller. Those of all callers share the places.
#[derive(Clone)]
pub(crate) struct Turns {
    who: Who,
    checks: Pool<Who>,
    renders: Pool<(Who, Rendering)>,
}

impl Turns {
    /// For this machine.
    pub(crate) fn new() -> Self {
        Self::with_processors(available_parallelism().map_or(1, Into::into))
    }

    /// As many checks of a caller at once as there are processors, and of all callers twice as many: whoever comes finds a
    /// place, and shares the processors.
    fn with_processors(processors: usize) -> Self {
        let checks = PoolBounds { all: 2 * processors, each: processors, waiting: WAITING };
        let renders = PoolBounds { all: WORKERS, each: WORKERS.div_ceil(2), waiting: WAITING };
        let nobody = Caller::of(&http::Extensions::new()).into();
        Self { who: nobody, checks: Pool::new(checks), renders: Pool::new(renders) }
    }

    /// Those of another caller.
    pub(crate) fn of(&self, who: impl Into<Who>) -> Self {
        Self { who: who.into(), ..self.clone() }
    }

    /// Does a part of a check, off the threads that serve requests.
    pub(crate) async fn check<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoTurn> {
        done(&self.checks, self.who.clone(), work).await
    }

    /// Does what waits for the processes that render.
    pub(crate) async fn render<T: Send + 'static>(
        &self,
        what: Rendering,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoTurn> {
        done(&self.renders, (self.who.clone(), what), work).await
    }
}

/// Work that has begun keeps its place to its end, whoever has gone.
async fn done<K, T>(pool: &Pool<K>, who: K, work: impl FnOnce() -> T + Send + 'static) -> Result<T, NoTurn>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Send + 'static,
{
    let place = timeout(PATIENCE, pool.take(who, Hold::Long)).await.map_err(|_| NoTurn::Busy)?;
    let place = place.map_err(|_| NoTurn::Busy)?;
    let working = blocking(move || {
        let _held = place;
        work()
    });
    Ok(working.await?)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use maily_chassis::Peer;
    use tokio::task::JoinHandle;

    use super::*;

    fn caller(name: &str) -> Caller {
        let mut extensions = http::Extensions::new();
        extensions.insert(Peer(name.to_owned()));
        Caller::of(&extensions)
    }

    /// Work that goes on until the sender is dropped.
    fn endless() -> (Sender<()>, impl FnOnce() + Send + 'static) {
        let (go_on, until): (Sender<()>, Receiver<()>) = channel();
        let work = move || {
            let _ = until.recv(); // nothing is ever sent
        };
        (go_on, work)
    }

    #[tokio::test]
    async fn a_caller_who_asks_for_much_leaves_a_place_for_another() {
        let turns = Turns::with_processors(1);
        let (ann, bob) = (turns.of(caller("ann")), turns.of(caller("bob")));
        let mut held = Vec::new();
        let mut work: Vec<JoinHandle<_>> = Vec::new();
        for _ in 0..8 {
            let (go_on, endless) = endless();
            let own = ann.clone();
            work.push(tokio::spawn(async move { own.check(endless).await }));
            let (also, endless) = self::endless();
            let own = ann.clone();
            work.push(tokio::spawn(async move { own.render(Rendering::Load, endless).await }));
            held.extend([go_on, also]);
        }
        tokio::task::yield_now().await;
        assert_eq!(bob.check(|| "checked").await, Ok("checked"));
        assert_eq!(bob.render(Rendering::Load, || "loaded").await, Ok("loaded"));
        assert_eq!(ann.render(Rendering::Prompt, || "rendered").await, Ok("rendered"), "beside her loads");
        drop(held);
        for work in work {
            assert_eq!(work.await.unwrap(), Ok(()));
        }
    }

    /// A request as it comes from a service.
    fn request(peer: &str, campaign: &str) -> Request<()> {
        let mut request = Request::new(());
        request.extensions_mut().insert(Peer(peer.to_owned()));
        request.metadata_mut().insert(CAMPAIGN, campaign.parse().unwrap());
        request
    }

    #[tokio::test]
    async fn a_campaign_that_loads_for_long_leaves_a_place_for_another() {
        let turns = Turns::with_processors(1);
        let [slow, other] =
            ["slow", "other"].map(|campaign| turns.of(Who::of(&request(ORCHESTRATOR, campaign))));
        let (go_on, endless) = endless();
        let busy = tokio::spawn(async move { slow.render(Rendering::Load, endless).await });
        tokio::task::yield_now().await;
        let loaded = timeout(Duration::from_secs(10), other.render(Rendering::Load, || "loaded")).await;
        assert_eq!(loaded, Ok(Ok("loaded")));
        drop(go_on);
        assert_eq!(busy.await.unwrap(), Ok(()));
    }

    #[test]
    fn only_the_orchestrator_says_which_campaign_a_request_is_for() {
        let who = |peer: &str, campaign: &str| Who::of(&request(peer, campaign));
        assert!(who(ORCHESTRATOR, "a") == who(ORCHESTRATOR, "a"));
        assert!(who(ORCHESTRATOR, "a") != who(ORCHESTRATOR, "b"));
        assert!(who("inference", "a") == who("inference", "b"));
        assert!(who(ORCHESTRATOR, &"a".repeat(65)) == who(ORCHESTRATOR, ""));
    }

    #[tokio::test]
    async fn a_panic_frees_its_place() {
        let turns = Turns::with_processors(1);
        let broken: Result<(), NoTurn> = turns.check(|| panic!("a fault")).await;
        assert_eq!(broken, Err(NoTurn::Work(WorkError::Panicked)));
        assert_eq!(turns.check(|| 1).await, Ok(1));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let turns = Turns::with_processors(1);
        let place = turns.checks.try_take(turns.who.clone(), Hold::Long).unwrap();
        assert_eq!(turns.check(|| ()).await, Err(NoTurn::Busy));
        drop(place);
    }
}
