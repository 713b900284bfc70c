//! `IG8xx`: writes of other objects by which stored Ingresses lose. The module `impact` reports them at admission of such a write: their
//! `run` functions do nothing.

mod class_in_use;
mod controller_setting_in_use;
mod service_in_use;
mod service_port_in_use;

pub use class_in_use::CLASS_IN_USE;
pub use controller_setting_in_use::CONTROLLER_SETTING_IN_USE;
pub use service_in_use::SERVICE_IN_USE;
pub use service_port_in_use::SERVICE_PORT_IN_USE;
