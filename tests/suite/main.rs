//! Everything that needs no cluster, in one binary: linking once is the slow part.

mod fixes;
mod messages;
mod pages;
mod zoo;
