//! External authentication: the URL that nginx asks before the backend of a location, that of the Ingress or that of the ConfigMap.
//! Sections 7.2 and 7.4.

use super::annotations::NginxAnnotations;
use super::answer::Scheme;
use super::backend::AuthUrl;
use super::controller::ControllerFamily;
use super::location::{Location, sample_host};
use super::routes::{Routes, When};
use crate::budget::BudgetExceeded;
use crate::cluster::Lookup;
use crate::model::{Host, Ingress};

/// The external authentication of a location.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExternalAuth<'a> {
    /// The URL that nginx asks.
    pub url: &'a str,
    /// Whether it is `global-auth-url` of the ConfigMap, which applies to each location without `auth-url`.
    pub is_global: bool,
}

impl<'a> Routes<'a> {
    /// Returns the external authentication of an Ingress: `auth-url`, or `global-auth-url` of the ConfigMap unless `enable-global-auth`
    /// is false (`shouldApplyGlobalAuth`). Reads ConfigMaps and Secrets.
    #[must_use]
    pub fn external_auth(&self, ingress: &'a Ingress) -> Option<ExternalAuth<'a>> {
        let annotations = NginxAnnotations::of(ingress);
        if self.dialect().family != ControllerFamily::Nginx {
            return None;
        }
        if annotations.value("auth-url").is_some() && !self.loading(ingress).drops_auth {
            return annotations.accepted("auth-url").map(|url| ExternalAuth { url, is_global: false });
        }
        // The controller ignores a text that is not a URL with a host (`StringToURL`).
        let global = self.dialect().global_authentication(annotations).filter(|url| AuthUrl::parse(url).is_some());
        global.map(|url| ExternalAuth { url, is_global: true })
    }

    /// Returns the external authentication that nginx asks for requests of a location.
    #[must_use]
    pub fn authentication_of(&self, location: &Location<'a>) -> Option<ExternalAuth<'a>> {
        let ingress = location.ingress.filter(|_| location.annotations().is_some())?;
        let is_exempt = self.dialect().exempts_from_authentication(&location.path);
        self.external_auth(ingress).filter(|_| !is_exempt)
    }

    /// Returns whether requests for a URL certainly need the external authentication of an Ingress: if it is the URL of this
    /// authentication, it waits for itself. Reads Ingresses and IngressClasses.
    ///
    /// # Errors
    /// When path matching exceeds its budget.
    pub fn is_behind(&self, auth: ExternalAuth<'a>, ingress: &Ingress, url: &str) -> Result<bool, BudgetExceeded> {
        let Some(url) = AuthUrl::parse(url) else { return Ok(false) };
        let is_standard = [80, 443].contains(&url.dialled());
        let is_of_request = matches!(url.host, "$host" | "$http_host" | "$server_name" | "$best_http_host");
        let host = if is_of_request {
            ingress.rules.first().map(|rule| sample_host(&rule.host)).unwrap_or_default()
        } else {
            url.host.to_owned()
        };
        if url.path.contains('$') || !is_standard || host.contains('$') {
            return Ok(false);
        }
        let scheme = if url.is_https { Scheme::Https } else { Scheme::Http };
        let Lookup::Found(answer) = self.answer(scheme, &host, url.path, When::After)? else { return Ok(false) };
        // The name may lead elsewhere if only the server for every other name has it.
        if answer.server.host == Host::Any && !is_of_request {
            return Ok(false);
        }
        let Some(location) = answer.location.filter(|_| !answer.is_passed_through) else { return Ok(false) };
        let is_same = auth.is_global || location.ingress.is_some_and(|of| of.meta.key == ingress.meta.key);
        // Its address or a password may admit the request as well, and a snippet may answer it before.
        let is_loose = location
            .annotations()
            .is_some_and(|of| of.accepted("satisfy") == Some("any") || of.may_answer_by_snippet());
        let asked = self.authentication_of(&location);
        Ok(is_same && !is_loose && asked.is_some_and(|asked| asked.is_global == auth.is_global))
    }
}
