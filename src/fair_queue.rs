//! A queue in which namespaces take turns, and users within their namespace. One user may have the whole queue while no other
//! waits.

use std::collections::VecDeque;
use std::iter;

use foldhash::{HashMap, HashMapExt as _};

/// Queues by key, which take turns.
#[derive(Debug)]
struct Turns<Q> {
    queues: HashMap<Box<str>, Q>,
    /// The keys of `queues`, the next one first.
    order: VecDeque<Box<str>>,
}

/// A queue of items, each of a namespace and a user.
#[derive(Debug)]
pub(crate) struct FairQueue<T>(Turns<Turns<VecDeque<T>>>);

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self(Turns::default())
    }
}

impl<Q> Default for Turns<Q> {
    fn default() -> Self {
        Self { queues: HashMap::new(), order: VecDeque::new() }
    }
}

impl<Q: Default> Turns<Q> {
    /// Returns the queue of a key.
    fn of(&mut self, key: &str) -> &mut Q {
        if !self.queues.contains_key(key) {
            self.order.push_back(key.into());
        }
        self.queues.entry(key.into()).or_default()
    }

    /// Returns the first result of `take`, which gets the queues in their order. The queue that has a result goes to the end of
    /// the order; the others keep their places. A queue that is empty afterwards is removed.
    fn next<R>(&mut self, mut take: impl FnMut(&str, &mut Q) -> Option<R>, is_empty: impl Fn(&Q) -> bool) -> Option<R> {
        let mut at = 0;
        while let Some(key) = self.order.get(at) {
            let queue = self.queues.get_mut(key)?;
            let taken = take(key, queue);
            let is_empty = is_empty(queue);
            if is_empty || taken.is_some() {
                let key = self.order.remove(at)?;
                if is_empty {
                    self.queues.remove(&key);
                } else {
                    self.order.push_back(key);
                }
            } else {
                at += 1;
            }
            if taken.is_some() {
                return taken;
            }
        }
        None
    }
}

impl<T> FairQueue<T> {
    /// Adds an item of a user in a namespace.
    pub(crate) fn push(&mut self, namespace: &str, user: &str, item: T) {
        self.0.of(namespace).of(user).push_back(item);
    }

    /// Returns the first result of `take`, which gets the namespaces, users and their items in the order of turns.
    pub(crate) fn next<R>(&mut self, mut take: impl FnMut(&str, &str, &mut VecDeque<T>) -> Option<R>) -> Option<R> {
        self.0.next(
            |namespace, users| users.next(|user, items| take(namespace, user, items), VecDeque::is_empty),
            |users| users.order.is_empty(),
        )
    }

    /// Returns the first result of `accept`, which gets the items in the order of turns. An item without a result is dropped and
    /// does not use the turn of its user.
    pub(crate) fn find_map<R>(&mut self, mut accept: impl FnMut(T) -> Option<R>) -> Option<R> {
        let mut of_user = |items: &mut VecDeque<T>| iter::from_fn(|| items.pop_front()).find_map(&mut accept);
        self.0
            .next(|_, users| users.next(|_, items| of_user(items), VecDeque::is_empty), |users| users.order.is_empty())
    }

    /// Returns the newest item of the user with the most items, in the namespace with the most items.
    pub(crate) fn pop_from_longest(&mut self) -> Option<T> {
        let items = |users: &Turns<VecDeque<T>>| users.queues.values().map(VecDeque::len).sum::<usize>();
        let Turns { queues, order } = &mut self.0;
        let longest = order.iter().max_by_key(|namespace| queues.get(*namespace).map_or(0, items))?.clone();
        let users = queues.get_mut(&longest)?;
        let Turns { queues: of_users, order: order_of_users } = users;
        let user = order_of_users.iter().max_by_key(|user| of_users.get(*user).map_or(0, VecDeque::len))?.clone();
        let taken = of_users.get_mut(&user)?.pop_back();
        if of_users.get(&user).is_some_and(VecDeque::is_empty) {
            of_users.remove(&user);
            order_of_users.retain(|other| *other != user);
        }
        if order_of_users.is_empty() {
            queues.remove(&longest);
            order.retain(|other| *other != longest);
        }
        taken
    }
}
