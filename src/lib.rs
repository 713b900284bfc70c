pub mod checks;
pub mod cluster;
pub mod engine;
pub mod finding;
pub mod model;
pub mod routing;
