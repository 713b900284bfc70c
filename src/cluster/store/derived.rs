//! What a higher layer derives from the objects that describe controllers, computed once for each state of these objects.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::model::{Kind, Kinds};

/// The kinds that describe the controllers of a cluster.
pub(crate) const OF_CONTROLLERS: Kinds = Kinds::of(&[
    Kind::ConfigMap,
    Kind::DaemonSet,
    Kind::Deployment,
    Kind::IngressClass,
    Kind::Namespace,
    Kind::Pod,
    Kind::StatefulSet,
]);

/// A value that is derived from the objects of [`OF_CONTROLLERS`]. States in which these are the same share it.
#[derive(Clone, Default)]
pub(crate) struct Derived(Arc<OnceLock<Arc<dyn Any + Send + Sync>>>);

impl Derived {
    /// Returns the value, which the first caller computes; `None`: the first caller has computed a value of another type.
    pub(crate) fn get_or_init<T: Any + Send + Sync>(&self, init: impl FnOnce() -> T) -> Option<Arc<T>> {
        Arc::clone(self.0.get_or_init(|| Arc::new(init()))).downcast().ok()
    }

    /// Drops the value after a change. Other states keep theirs.
    pub(crate) fn reset(&mut self) {
        match Arc::get_mut(&mut self.0) {
            Some(own) => drop(own.take()),
            None => *self = Self::default(),
        }
    }
}

impl fmt::Debug for Derived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Derived")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_computed_once_for_all_clones_until_one_changes() {
        let mut one = Derived::default();
        let other = one.clone();
        assert_eq!(one.get_or_init(|| 1).as_deref(), Some(&1));
        assert_eq!(other.get_or_init(|| 2).as_deref(), Some(&1));
        assert_eq!(other.get_or_init(|| "text"), None);
        one.reset();
        assert_eq!(one.get_or_init(|| 3).as_deref(), Some(&3));
        assert_eq!(other.get_or_init(|| 4).as_deref(), Some(&1));
    }

    #[test]
    fn a_clone_that_changes_first_does_not_share_what_is_computed_later() {
        let mut one = Derived::default();
        let other = one.clone();
        one.reset();
        assert_eq!((one.get_or_init(|| 1), other.get_or_init(|| 2)), (Some(Arc::new(1)), Some(Arc::new(2))));
    }
}
