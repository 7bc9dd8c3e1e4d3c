//! Users with passwords, as Basic authentication sends them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bcrypt::HashParts;
use ring::hmac;
use streamgauge_yaml::Faults;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::guard::Refusal;
use super::section::Section;

const PATH: &str = "basic_auth_users";
/// A hash of this cost takes some twenty seconds, and the next password waits for it.
const DEAREST: u32 = 18;
const CHEAPEST: u32 = 4;
/// As many bytes of a password as bcrypt looks at.
const LONGEST_PASSWORD: usize = 72;
/// How long a password waits for those before it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who may come in, by name and hash.
#[derive(Default)]
pub(super) struct Users {
    by_name: HashMap<String, Arc<User>>,
    /// The dearest hash: whoever gives an unknown name waits as long as for a known one.
    decoy: Option<Arc<User>>,
}

struct User {
    hash: String,
    cost: u32,
    /// The keyed hash of the password that fitted, so that it costs a bcrypt only once. A hash fits one password alone,
    /// so there is room for one; it stands with its user, so no two users can be taken for each other.
    verified: Mutex<Option<hmac::Tag>>,
}

/// Judges passwords, one at a time: each costs more than a scrape, and anyone may send one.
pub(super) struct Judge {
    /// Of this process alone: what is remembered about passwords is worth nothing elsewhere.
    key: hmac::Key,
    turn: Arc<Semaphore>,
}

impl Users {
    /// Those of the file. Who is as `before` need not be judged anew.
    pub(super) fn read(root: &Section, before: Option<&Self>, faults: &mut Faults) -> Self {
        let section = root.mapping(PATH, PATH, faults);
        let mut by_name = HashMap::new();
        for name in section.keys() {
            if name.contains(':') {
                faults.push(section.fault(name, "no name with a colon can be sent; expected one without"));
            }
            if let Some(user) = user(&section, name, faults) {
                let known = before.and_then(|before| before.by_name.get(name)).filter(|known| known.hash == user.hash);
                by_name.insert(name.to_owned(), known.cloned().unwrap_or_else(|| Arc::new(user)));
            }
        }
        let decoy = by_name.values().max_by_key(|user| user.cost).cloned();
        Self { by_name, decoy }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Whether this is the password of that user.
    pub(super) async fn admit(&self, name: &str, password: Vec<u8>, judge: &Judge) -> Result<(), Refusal> {
        let user = self.by_name.get(name);
        let Some(judged) = user.or(self.decoy.as_ref()) else { return Err(Refusal::Credentials) };
        // What bcrypt does not see must not be right: it ends at the 72nd byte, and repeats a password from a NUL on.
        if password.len() > LONGEST_PASSWORD || password.contains(&0) {
            return Err(Refusal::Credentials);
        }
        let Some(user) = user else {
            judge.fits(judged, password).await?;
            return Err(Refusal::Credentials);
        };
        let tag = hmac::sign(&judge.key, &password);
        if user.is_verified(judge, &password) {
            return Ok(());
        }
        if judge.fits(judged, password).await? {
            *user.verified.lock().unwrap_or_else(PoisonError::into_inner) = Some(tag);
            return Ok(());
        }
        Err(Refusal::Credentials)
    }
}

fn user(section: &Section, name: &str, faults: &mut Faults) -> Option<User> {
    let Some(text) = section.text(name, faults) else {
        faults.push(section.fault(name, "has no hash; expected the bcrypt hash of the password"));
        return None;
    };
    let Ok(cost) = text.text.parse::<HashParts>().map(|parts| parts.get_cost()) else {
        faults.push(text.fault("is no bcrypt hash; expected what `htpasswd -nBC 10 NAME` writes behind the colon"));
        return None;
    };
    if !(CHEAPEST..=DEAREST).contains(&cost) {
        faults.push(text.fault(format!("has a cost of {cost}; expected {CHEAPEST} to {DEAREST}")));
        return None;
    }
    Some(User { hash: text.text.to_owned(), cost, verified: Mutex::default() })
}

impl User {
    fn is_verified(&self, judge: &Judge, password: &[u8]) -> bool {
        let verified = *self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        verified.is_some_and(|tag| hmac::verify(&judge.key, password, tag.as_ref()).is_ok())
    }
}

impl Judge {
    pub(super) fn new(key: hmac::Key) -> Self {
        Self { key, turn: Arc::new(Semaphore::new(1)) }
    }

    pub(super) const fn key(&self) -> &hmac::Key {
        &self.key
    }

    async fn fits(&self, user: &Arc<User>, password: Vec<u8>) -> Result<bool, Refusal> {
        let turn = timeout(PATIENCE, Arc::clone(&self.turn).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(Refusal::Busy) };
        // Judged meanwhile, on behalf of another request of the same client.
        if user.is_verified(self, &password) {
            return Ok(true);
        }
        let user = Arc::clone(user);
        tokio::task::spawn_blocking(move || judge_now(&user, &password, turn)).await.map_err(|_| Refusal::Busy)
    }
}

/// The turn ends with the judgement and not with the request: a client that goes away does not make room for two at a time.
fn judge_now(user: &User, password: &[u8], _turn: OwnedSemaphorePermit) -> bool {
    bcrypt::verify(password, &user.hash).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use streamgauge_yaml::parse;

    use super::*;

    fn judge() -> Judge {
        Judge::new(hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).unwrap())
    }

    fn users(pairs: &[(&str, &str)], before: Option<&Users>) -> Users {
        let line = |(name, hash): &(&str, &str)| format!("  {name}: {hash}\n");
        let text: String = pairs.iter().map(line).collect();
        let mut faults = Faults::new("web.yml");
        let node = parse(&format!("{PATH}:\n{text}"), &mut faults).unwrap();
        let users = Users::read(&Section::root(&node, &[PATH], &mut faults), before, &mut faults);
        faults.settle(Some(users)).unwrap()
    }

    fn hash(password: &str) -> String {
        bcrypt::hash(password, CHEAPEST).unwrap()
    }

    #[tokio::test]
    async fn a_name_and_a_password_that_read_the_same_together_are_another_pair() {
        // CVE-2022-46146: a cache whose key was the texts put together let a client that knew a hash in.
        let (long, short) = (hash("ssword"), hash("password"));
        let users = users(&[("alicepa", &long), ("alice", &short)], None);
        let judge = judge();
        let admitted = async |name: &str, password: &str| users.admit(name, password.into(), &judge).await.is_ok();
        assert!(admitted("alice", "password").await && admitted("alicepa", "ssword").await);
        for (name, password) in
            [("alicepa", "password"), ("alice", "ssword"), ("alic", "epassword"), ("", "alicepassword")]
        {
            assert!(!admitted(name, password).await, "{name} {password}");
        }
        assert!(!admitted("alice", &format!("{short}password")).await);
    }

    #[tokio::test]
    async fn a_password_is_judged_once_as_long_as_its_user_stays_the_same() {
        let (old, new) = (hash("old"), hash("new"));
        let judge = judge();
        let first = users(&[("a", &old), ("b", &old)], None);
        assert!(first.admit("a", b"old".into(), &judge).await.is_ok());
        assert!(first.by_name["a"].is_verified(&judge, b"old"));
        assert!(!first.by_name["b"].is_verified(&judge, b"old"), "nobody gave it");
        let kept = users(&[("a", &old)], Some(&first));
        assert!(kept.by_name["a"].is_verified(&judge, b"old"));
        let changed = users(&[("a", &new)], Some(&kept));
        assert!(changed.admit("a", b"old".into(), &judge).await.is_err());
        assert!(changed.admit("a", b"new".into(), &judge).await.is_ok());
    }

    #[tokio::test]
    async fn whoever_is_unknown_waits_for_the_dearest_hash_and_is_refused_even_if_it_fits() {
        let dear = bcrypt::hash("dear", CHEAPEST + 1).unwrap();
        let users = users(&[("a", &hash("cheap")), ("b", &dear)], None);
        assert_eq!(users.decoy.as_ref().unwrap().hash, dear);
        let judge = judge();
        assert_eq!(users.admit("c", b"dear".into(), &judge).await, Err(Refusal::Credentials));
        assert!(!users.by_name["b"].is_verified(&judge, b"dear"));
    }

    #[tokio::test]
    async fn only_what_bcrypt_sees_can_be_right() {
        let long = "x".repeat(LONGEST_PASSWORD);
        let users = users(&[("long", &hash(&long)), ("a", &hash("a")), ("none", &hash(""))], None);
        let judge = judge();
        let admitted = async |name: &str, password: &[u8]| users.admit(name, password.into(), &judge).await.is_ok();
        assert!(admitted("long", long.as_bytes()).await && admitted("a", b"a").await && admitted("none", b"").await);
        assert!(!admitted("long", format!("{long}y").as_bytes()).await);
        assert!(!admitted("a", b"a\0a").await, "bcrypt repeats a password from its end on");
        assert!(!admitted("a", b"\xff\xfe").await);
        assert!(!admitted("a", &vec![b'a'; 10_000]).await);
    }
}
