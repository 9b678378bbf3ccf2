//! Opt-outs told to the other processes of a tenant, through Redis: a hint that travels in milliseconds.
//!
//! The ledgers stay the truth. An opt-out is acknowledged when it is in the ledger of the process that took it, whatever
//! Redis does; the others put it into a ledger of their own, so that they know it after a restart without Redis too. And
//! whenever Redis comes back, perhaps empty, every process tells again all that it knows and reads what the others told.
//!
//! What travels is the keyed hash of an address and when the objection went on record, with a proof that a process of this
//! tenant sent both: Redis is not trusted, and whoever can write to it suppresses nobody. What is lifted does not travel:
//! an officer lifts it at each process, and what was told before and is heard again changes nothing there.
//!
//! Redis keeps the last hints of each person ([`HINTS`]), however often they object. Processes of before have a set instead,
//! of every hint ever told. It is read, and what is new is told by it too, until that is over ([`WEEK`]).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::stream::{self, TryStreamExt};
use maily_chassis::{RedisClient, Subscription};
use maily_crypto::{DataKey, mac, verify_mac};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::schema::{Channel, Reason};
use crate::secrets::AddressHash;
use crate::state::Inner;
use crate::suppression::{OptOut, SuppressionList};
use crate::{Error, State};

/// Hints told or read in one go, and put on record side by side.
const CHUNK: usize = 1_000;
/// Before listening again after Redis or a ledger failed.
const PAUSE: Duration = Duration::from_millis(500);
/// Everything is told and read again after so long in any case: Redis may have evicted something.
const AGAIN: Duration = Duration::from_secs(3_600);
/// Bytes of a hint.
const HINT: usize = 56;
/// The hints of a person that Redis keeps. Whoever was away has to find one that they don't know, if there was any. The last
/// one is that, but where others tell again what they know, which is one hint each: these are more than processes.
const HINTS: usize = 16;
/// For how many seconds the set of before is kept, since one of before made it: by then all of them are of now.
const WEEK: u32 = 7 * 86_400;
/// `KEYS[1]` is the hash of the last hints of each person, the latest first; `ARGV[1]` the channel, `ARGV[2]` the bytes of a
/// hint, `ARGV[3]` those that are kept of a person, the rest hints. What is new in the hash is published, both as one step:
/// whoever listens hears it, and whoever begins to listen later finds it in the hash.
const TELL: &str = r"
local length, longest = tonumber(ARGV[2]), tonumber(ARGV[3])
for at = 4, #ARGV do
  local address = string.sub(ARGV[at], 1, 16)
  local hints = string.sub(redis.call('HGET', KEYS[1], address) or '', 1, longest)
  local is_new = true
  for from = 1, #hints, length do
    if string.sub(hints, from, from + length - 1) == ARGV[at] then is_new = false end
  end
  if is_new then
    redis.call('HSET', KEYS[1], address, string.sub(ARGV[at] .. hints, 1, longest))
    redis.call('PUBLISH', ARGV[1], ARGV[at])
  end
end
return 1";
/// `KEYS[1]` is the set of before, `ARGV[1]` is [`WEEK`], the rest hints: for one of before that begins to listen. Those that
/// listen hear what is new in the hash.
const TELL_BEFORE: &str = r"
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if redis.call('TTL', KEYS[1]) < 0 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
for at = 2, #ARGV do redis.call('SADD', KEYS[1], ARGV[at]) end
return 1";
const ARTICLE: &str = "opted out at another process of the tenant";

/// How a process of the tenant tells the others.
pub(crate) struct FanOut {
    redis: RedisClient,
    /// The hash of the last hints of each person, the set of before, and the channel of new ones.
    last: String,
    before: String,
    channel: String,
    told: redis::Script,
    told_before: redis::Script,
    secret: DataKey,
    /// Whether a forged hint was reported since the last connection.
    reported: AtomicBool,
    /// Whether all that the others told before this process began is on record here; said again for each hint of it that is.
    caught_up: watch::Sender<bool>,
}

impl FanOut {
    fn hint(&self, (address, told): &(AddressHash, i64)) -> Vec<u8> {
        let said = [address.as_slice(), &told.to_be_bytes()].concat();
        let proof = mac(&self.secret, &[b"objection", &said]);
        [said.as_slice(), &proof].concat()
    }

    /// The address of a hint that a process of this tenant sent, and the moment, which revision 2 did not tell.
    fn read_hint(&self, hint: &[u8]) -> Option<(AddressHash, Option<i64>)> {
        let (address, rest) = hint.split_first_chunk::<16>()?;
        if verify_mac(&self.secret, &[b"opt-out", address], rest) {
            return Some((*address, None));
        }
        let (said, proof) = hint.split_at_checked(24)?;
        let told = said.last_chunk().map(|told| i64::from_be_bytes(*told));
        verify_mac(&self.secret, &[b"objection", said], proof).then_some((*address, told))
    }

    /// Tells opt-outs; `None` when Redis is away: they are told when it is back.
    async fn tell(&self, known: &[(AddressHash, i64)]) -> Option<()> {
        let begin =
            [self.channel.clone(), HINT.to_string(), (HINT * HINTS).to_string()].map(String::into_bytes);
        self.call(&self.told, &self.last, &begin, known).await
    }

    /// Tells those of before, where there may be one.
    async fn tell_before(&self, known: &[(AddressHash, i64)]) -> Option<()> {
        self.call(&self.told_before, &self.before, &[WEEK.to_string().into_bytes()], known).await
    }

    async fn call(
        &self,
        script: &redis::Script,
        key: &str,
        begin: &[Vec<u8>],
        known: &[(AddressHash, i64)],
    ) -> Option<()> {
        for chunk in known.chunks(CHUNK) {
            let hints = chunk.iter().map(|known| self.hint(known));
            let arguments: Vec<Vec<u8>> = begin.iter().cloned().chain(hints).collect();
            self.redis.batch_script::<()>(script, key, &arguments).await?;
        }
        Some(())
    }

    /// Some of what others told, and where to go on; from 0 to 0.
    async fn read(&self, cursor: u64) -> Option<(u64, Vec<Vec<u8>>)> {
        let (next, found) = self.scan("HSCAN", &self.last, cursor).await?;
        // A field, then its value, by turns.
        let values = found.into_iter().skip(1).step_by(2);
        let each = |value: Vec<u8>| value.chunks(HINT).take(HINTS).map(<[u8]>::to_vec).collect::<Vec<_>>();
        Some((next, values.flat_map(each).collect()))
    }

    /// Likewise, of what was told by those of before.
    async fn read_before(&self, cursor: u64) -> Option<(u64, Vec<Vec<u8>>)> {
        self.scan("SSCAN", &self.before, cursor).await
    }

    async fn scan(&self, command: &str, key: &str, cursor: u64) -> Option<(u64, Vec<Vec<u8>>)> {
        let mut scan = redis::cmd(command);
        scan.arg(key).arg(cursor).arg("COUNT").arg(CHUNK);
        self.redis.batch(&scan).await
    }
}

impl State {
    /// Tells opt-outs to the tenant's other processes and hears theirs, from now on.
    ///
    /// # Errors
    /// Called twice.
    pub fn fan_out(&self, redis: RedisClient) -> Result<(), Error> {
        let tenant = &self.0.config.tenant;
        let fan_out = Arc::new(FanOut {
            last: redis.name(&format!("objections:{tenant}")),
            before: redis.name(&format!("opt-outs:{tenant}")),
            channel: redis.name(&format!("opt-out:{tenant}")),
            told: redis::Script::new(TELL),
            told_before: redis::Script::new(TELL_BEFORE),
            secret: self.0.secrets.hints.clone(),
            reported: AtomicBool::new(false),
            caught_up: watch::Sender::new(false),
            redis,
        });
        self.0
            .suppression
            .fan_out
            .set(Arc::clone(&fan_out))
            .map_err(|_| Error::Config("opt-outs are told already"))?;
        let inner = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            while let Some(inner) = inner.upgrade() {
                inner.listen(&fan_out).await;
                drop(inner);
                sleep(PAUSE).await;
            }
        });
        Ok(())
    }

    /// Waits until what the others told before is known here, so that nobody is handed off who objected elsewhere while
    /// this process was away. Whether it is known: Redis may be away as well, so more has to come within `patience`; and
    /// whoever writes to it could go on for good, so `longest` is the end.
    pub async fn caught_up(&self, patience: Duration, longest: Duration) -> bool {
        let Some(fan_out) = self.0.suppression.fan_out.get() else { return true };
        has_caught_up(fan_out.caught_up.subscribe(), patience, longest).await
    }
}

async fn has_caught_up(mut caught_up: watch::Receiver<bool>, patience: Duration, longest: Duration) -> bool {
    let all = async {
        while !*caught_up.borrow_and_update() {
            if !matches!(timeout(patience, caught_up.changed()).await, Ok(Ok(()))) {
                return false;
            }
        }
        true
    };
    timeout(longest, all).await.unwrap_or(false)
}

impl SuppressionList {
    /// Tells objections, each with when it went on record, without waiting for Redis.
    pub(crate) fn tell(&self, known: Vec<(AddressHash, i64)>) {
        if let Some(fan_out) = self.fan_out.get().cloned() {
            tokio::spawn(async move {
                fan_out.tell(&known).await?;
                fan_out.tell_before(&known).await
            });
        }
    }
}

impl Inner {
    /// Hears opt-outs until Redis or a ledger fails.
    async fn listen(&self, fan_out: &FanOut) {
        let mut connects = fan_out.redis.connects();
        // Listening first: what is told while the hash is read is heard too.
        let Some(messages) = fan_out.redis.subscribe(&fan_out.channel).await else { return };
        fan_out.reported.store(false, Ordering::Relaxed);
        let heard = async {
            self.catch_up(fan_out).await?;
            self.hear(fan_out, messages, &mut connects).await
        };
        if let Err(error) = heard.await {
            tracing::error!(error = %error, "an opt-out of another process could not be put on record yet");
        }
    }

    /// Puts on record what was told by others, and tells what is known here.
    async fn catch_up(&self, fan_out: &FanOut) -> Result<(), Error> {
        // Of each person what is latest here: before what is heard now is that.
        let known: Vec<_> = self.suppression.read().told().collect();
        let (mut cursor, mut is_read) = (0, false);
        while !is_read {
            let Some((next, hints)) = fan_out.read(cursor).await else { return Ok(()) };
            self.heard_all(fan_out, hints).await?;
            (cursor, is_read) = (next, next == 0);
        }
        let (mut is_read, mut is_before) = (false, false);
        while !is_read {
            let Some((next, hints)) = fan_out.read_before(cursor).await else { return Ok(()) };
            is_before |= !hints.is_empty();
            self.heard_all(fan_out, hints).await?;
            (cursor, is_read) = (next, next == 0);
        }
        fan_out.caught_up.send_replace(true);
        // Where Redis goes away meanwhile, all of it is told when it is back.
        if fan_out.tell(&known).await.is_some() && is_before {
            let _ = fan_out.tell_before(&known).await;
        }
        Ok(())
    }

    /// Until the messages end, Redis was away for others than the messages, or it is time to catch up.
    async fn hear(
        &self,
        fan_out: &FanOut,
        mut messages: Subscription,
        connects: &mut watch::Receiver<u64>,
    ) -> Result<(), Error> {
        let again = Instant::now() + AGAIN;
        loop {
            tokio::select! {
                message = messages.next() => match message {
                    Some(hint) => self.heard(fan_out, &hint).await?,
                    None => return Ok(()),
                },
                _ = connects.changed() => return Ok(()),
                () = sleep_until(again) => return Ok(()),
            }
        }
    }

    /// Each waits for the disk, and so they don't wait for each other.
    async fn heard_all(&self, fan_out: &FanOut, hints: Vec<Vec<u8>>) -> Result<(), Error> {
        // One that is read twice is one objection.
        let hints = BTreeSet::from_iter(hints);
        let heard = move |hint: Vec<u8>| async move {
            self.heard(fan_out, &hint).await?;
            fan_out.caught_up.send_modify(|_| ());
            Ok::<_, Error>(())
        };
        let hints = stream::iter(hints.into_iter().map(Ok::<_, Error>));
        hints.try_for_each_concurrent(CHUNK, heard).await
    }

    async fn heard(&self, fan_out: &FanOut, hint: &[u8]) -> Result<(), Error> {
        match fan_out.read_hint(hint) {
            Some((address, told)) if self.is_news(&address, told).await? => {
                self.record_heard(address, told).await
            }
            Some(_) => Ok(()),
            None => {
                self.metrics.hints_ignored.add(1, &[]);
                if !fan_out.reported.swap(true, Ordering::Relaxed) {
                    tracing::warn!("hints in Redis are not from a process of this tenant: ignored");
                }
                Ok(())
            }
        }
    }

    /// Whether an objection is not known here. One that is lifted here, or was taken back, is, and does not come again.
    async fn is_news(&self, address: &AddressHash, told: Option<i64>) -> Result<bool, Error> {
        let Some(told) = told else { return self.is_undated_news(address).await };
        // Most of what is told again is what is known; an objection of another moment may outlive the known one.
        if self.suppression.read().told_of(address) == Some(told) {
            return Ok(false);
        }
        let same = |reason: &Reason| reason.told.unwrap_or(reason.at) == told;
        self.is_none_known(address, same).await
    }

    /// Likewise, of a hint of revision 2, which doesn't say when. Where all that is known was lifted or taken back, it may be
    /// an objection of now, and is taken for one, once: it stays in Redis, and one that was put on record, and lifted
    /// behind that, is heard again and again.
    async fn is_undated_news(&self, address: &AddressHash) -> Result<bool, Error> {
        let stands = {
            let suppressed = self.suppression.read();
            let latest = suppressed.stands(address);
            latest.is_some() && latest > suppressed.last_lift(address)
        };
        let undated = |reason: &Reason| reason.channel == Channel::Hint && reason.told.is_none();
        Ok(!stands && self.is_none_known(address, undated).await?)
    }

    /// Whether no such objection of a person is on record here.
    async fn is_none_known(
        &self,
        address: &AddressHash,
        such: impl Fn(&Reason) -> bool,
    ) -> Result<bool, Error> {
        for region in self.regions.values() {
            if region.reasons(address).await?.iter().any(|(_, reason)| such(reason)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Into the first ledger that is kept here.
    async fn record_heard(&self, address: AddressHash, told: Option<i64>) -> Result<(), Error> {
        let state = self.regions.first()?;
        let opt_out = OptOut { channel: Channel::Hint, article: ARTICLE, command: None, told };
        self.suppression.record_opt_out(&self.regions, state, address, &opt_out).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use maily_keys::LocalKeyring;
    use maily_law::EmailAddress;

    use super::*;
    use crate::{Config, Order};

    #[tokio::test(start_paused = true)]
    async fn a_start_waits_as_long_as_there_is_more_to_hear() {
        let second = Duration::from_secs(1);
        // How many hints come, one every so many seconds, and whether they are all; what comes of that, and when.
        for (hints, pause, are_all, caught_up, after) in [
            (10, 2, true, true, 20),
            (10, 2, false, false, 23),
            (0, 1, false, false, 3),
            (1, 4, true, false, 3),
            (1_000, 2, true, false, 120),
        ] {
            let (telling, heard) = watch::channel(false);
            let begun = Instant::now();
            let telling = tokio::spawn(async move {
                for hint in 1..=hints {
                    sleep(second * pause).await;
                    telling.send_modify(|all| *all = are_all && hint == hints);
                }
                std::future::pending::<()>().await;
            });
            assert_eq!(has_caught_up(heard, second * 3, second * 120).await, caught_up, "{hints} hints");
            assert_eq!(begun.elapsed().as_secs(), after, "{hints} hints");
            telling.abort();
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_hint_without_a_moment_is_an_objection_of_now_where_all_is_lifted() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { keyring: folder.path().join("keyring.json"), ..Config::default() };
        let roots = Arc::new(LocalKeyring::open(&config.keyring).unwrap());
        let state = State::open(&config, &folder.path().join("data"), roots).await.unwrap();
        let order = || Order { caller: "olga".into(), reason: "asked".into() };
        let lift = async || {
            let people = ["carol@example.com".to_owned()];
            state.lift(&people, "news@brand.example", None, order()).await.unwrap()
        };
        let (carol, _) = state.0.hashes(&EmailAddress::parse("carol@example.com").unwrap());
        assert!(state.0.is_news(&carol, None).await.unwrap(), "nothing is known");
        state.suppress("carol@example.com", order()).await.unwrap();
        assert!(!state.0.is_news(&carol, None).await.unwrap(), "she stands on the list");
        assert_eq!(lift().await.lifted, 1);
        assert!(state.0.is_news(&carol, None).await.unwrap());
        state.0.record_heard(carol, None).await.unwrap();
        let found = state.find("carol@example.com").await.unwrap();
        let moment = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
        let last = found.objections.iter().map(|objection| moment(&objection.at)).max();
        assert!(last > Some(moment(&found.lifts[0].at)));
        // It lies in Redis, and is read once an hour.
        assert_eq!(lift().await.lifted, 1);
        assert!(!state.0.is_news(&carol, None).await.unwrap());
        assert!(state.0.is_news(&carol, Some(5)).await.unwrap());
        state.verify().await.unwrap();
    }
}
