//! How often one caller may call: counted in Redis for all replicas together, else in memory for this one.
//!
//! Both are the generic cell rate algorithm (GCRA, ITU-T I.371): a burst of one second's worth, then evenly.

use std::num::NonZeroU32;

use governor::{Quota, RateLimiter, clock::DefaultClock, state::keyed::DashMapStateStore};
use redis::Script;

use crate::shared::RedisClient;

/// `KEYS[1]` holds when the caller's bucket will be full again, in microseconds of Redis's clock. `ARGV`: the
/// microseconds that one request costs, and those of a burst.
const GCRA: &str = r"
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + ARGV[1]
if full - now > tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
return 1";

/// The limit of each caller.
pub(crate) struct Rate {
    memory: RateLimiter<String, DashMapStateStore<String>, DefaultClock>,
    shared: Option<Shared>,
}

struct Shared {
    redis: RedisClient,
    script: Script,
    counted_at: String,
    /// Microseconds that one request costs.
    cost: u64,
}

impl Rate {
    /// `per_second` requests for each caller; `counted_at` names a service's listener, for each counts its own.
    pub(crate) fn new(per_second: u32, redis: Option<RedisClient>, counted_at: &str) -> Self {
        let per_second = NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN);
        let cost = u64::from((1_000_000 / per_second.get()).max(1));
        let shared = redis.map(|redis| Shared {
            redis,
            script: Script::new(GCRA),
            counted_at: counted_at.to_owned(),
            cost,
        });
        Self { memory: RateLimiter::keyed(Quota::per_second(per_second)), shared }
    }

    /// Whether `caller` may call now.
    pub(crate) async fn admits(&self, caller: &str) -> bool {
        if let Some(shared) = &self.shared
            && let Some(admitted) = shared.admits(caller).await
        {
            return admitted;
        }
        self.memory.check_key(&caller.to_owned()).is_ok()
    }

    /// Drops the counters of callers that have been quiet, so that the table stays small.
    pub(crate) fn tidy(&self) {
        self.memory.retain_recent();
    }
}

impl Shared {
    /// `None` when Redis is away.
    async fn admits(&self, caller: &str) -> Option<bool> {
        // A hash, so that no address stands in a key; it is gone a second later in any case.
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, caller.as_bytes());
        let hash = hex::encode(hash.as_ref());
        let key = self.redis.name(&format!("rate:{}:{hash:.32}", self.counted_at));
        self.redis.script(&self.script, &key, &[self.cost, 1_000_000]).await
    }
}
