//! The rights of the webhook's service account, by the configuration of its pods.

use std::collections::BTreeMap;

use futures::{StreamExt as _, stream};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, PodSpec};
use kube::api::PostParams;
use kube::{Api, Client};

use super::read::reason;
use crate::cluster::{Right, Verb, missing};
use crate::config::Config;
use crate::doctor::Fact;
use crate::model::{Key, Kind};

/// Rights with the answers, and optional rights that are denied.
type Checked = (Vec<(Right, Option<bool>)>, Vec<Right>);

/// The number of concurrent questions.
const AT_ONCE: usize = 8;

/// The account of the webhook and its rights.
pub(super) struct Account {
    /// The account as a user name; empty if it is unknown.
    pub(super) name: String,
    /// The rights that its process needs, each with the answer of the API server.
    pub(super) rights: Fact<Vec<(Right, Option<bool>)>>,
    /// The optional rights that the API server denies.
    pub(super) declined: Vec<Right>,
}

/// Asks for the rights of the account of the pods.
pub(super) async fn read(client: &Client, pods: &Fact<Vec<Pod>>) -> Account {
    let unknown = |name: String, reason: String| Account { name, rights: Err(reason), declined: Vec::new() };
    let pods = match pods {
        Ok(pods) => pods,
        Err(reason) => return unknown(String::new(), reason.clone()),
    };
    let Some((pod, spec)) = pods.iter().find_map(|pod| Some((pod, pod.spec.as_ref()?))) else {
        return unknown(String::new(), "no pod of the webhook is known".to_owned());
    };
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let account = Key::new(namespace, spec.service_account_name.as_deref().unwrap_or("default"));
    let user = format!("system:serviceaccount:{}:{}", account.namespace, account.name);
    let config = match config(client, namespace, spec).await {
        Ok(config) => config,
        Err(reason) => return unknown(user, reason),
    };
    let is_own = own_name(client).await.is_some_and(|name| name == user);
    let account = (!is_own).then_some(&account);
    let asked = async {
        let (mut rights, declined) = of_checks(client, &config, account).await?;
        rights.extend(ask(client, of_certificates(namespace, spec), account).await?);
        Ok((rights, declined))
    };
    match asked.await {
        Ok((rights, declined)) => Account { name: user, rights: Ok(rights), declined },
        Err(reason) => unknown(user, reason),
    }
}

/// The rights that checks need, and apart from them those that a cluster denies on purpose.
async fn of_checks(client: &Client, config: &Config, account: Option<&Key>) -> Fact<Checked> {
    let (_, wanted) = config.watched(&config.engine());
    let answers = ask(client, wanted.rights(), account).await?;
    let known: BTreeMap<Right, bool> =
        answers.iter().filter_map(|(right, answer)| Some((right.clone(), (*answer)?))).collect();
    let missing = missing(&known, wanted.optional());
    let is_required = |(right, answer): &(Right, Option<bool>)| *answer != Some(false) || missing.contains(right);
    let (rights, declined): (Vec<_>, Vec<_>) = answers.into_iter().partition(is_required);
    Ok((rights, declined.into_iter().map(|(right, _)| right).collect()))
}

/// The rights that a pod needs to manage its certificate itself.
fn of_certificates(namespace: &str, spec: &PodSpec) -> Vec<Right> {
    let argument = |flag: &str| {
        let mut arguments = spec.containers.iter().flat_map(|container| container.args.iter().flatten());
        arguments.find_map(|argument| argument.strip_prefix(flag))
    };
    let (Some(secret), Some(configuration)) = (argument("--ca-secret="), argument("--webhook-configuration=")) else {
        return Vec::new();
    };
    let on = |kind, namespace, name, verbs: [Verb; 2]| {
        verbs.map(|verb| Right { kind, only: Some(Key::new(namespace, name)), verb })
    };
    let on_secret = on(Kind::Secret, namespace, secret, [Verb::Get, Verb::Update]);
    let on_configuration = on(Kind::ValidatingWebhookConfiguration, "", configuration, [Verb::Get, Verb::Patch]);
    on_secret.into_iter().chain(on_configuration).collect()
}

async fn ask(client: &Client, rights: Vec<Right>, account: Option<&Key>) -> Fact<Vec<(Right, Option<bool>)>> {
    let questions = stream::iter(rights).map(|right| async move {
        let answer = match account {
            Some(account) => right.is_granted_to(client, account).await,
            None => right.is_granted(client).await,
        };
        (right, answer)
    });
    let mut questions = questions.buffered(AT_ONCE);
    let mut answers = Vec::new();
    while let Some((right, answer)) = questions.next().await {
        match answer {
            Ok(answer) => answers.push((right, answer)),
            Err(error) if error.code() == Some(403) => {
                return Err("you have no permission to create subjectaccessreviews".to_owned());
            }
            Err(error) => return Err(format!("cannot create subjectaccessreviews: {error}")),
        }
    }
    Ok(answers)
}

/// The name of the user of this command, as the API server sees it.
async fn own_name(client: &Client) -> Option<String> {
    let api = Api::<SelfSubjectReview>::all(client.clone());
    let answer = api.create(&PostParams::default(), &SelfSubjectReview::default()).await.ok()?;
    answer.status?.user_info?.username
}

/// Reads the configuration that the flag `--config` of a pod names, from the ConfigMap that is mounted there.
async fn config(client: &Client, namespace: &str, spec: &PodSpec) -> Fact<Config> {
    let Some((config_map, key)) = mounted(spec) else { return Ok(Config::default()) };
    let api = Api::<ConfigMap>::namespaced(client.clone(), namespace);
    let found = api.get_opt(&config_map).await.map_err(|error| reason("get configmaps", &error))?;
    let text = found.and_then(|found| found.data?.remove(&key));
    let text = text.ok_or_else(|| format!("ConfigMap {config_map} has no key {key}"))?;
    Config::parse(&format!("ConfigMap {config_map}"), &text).map_err(|error| error.to_string())
}

/// Returns the ConfigMap and its key behind the flag `--config`.
fn mounted(spec: &PodSpec) -> Option<(String, String)> {
    spec.containers.iter().find_map(|container| {
        let path = container.args.iter().flatten().find_map(|argument| argument.strip_prefix("--config="))?;
        let mut mounts = container.volume_mounts.iter().flatten();
        let (mount, key) = mounts.find_map(|mount| {
            let key = path.strip_prefix(&*mount.mount_path)?.strip_prefix('/')?;
            Some((mount, key))
        })?;
        let volume = spec.volumes.iter().flatten().find(|volume| volume.name == mount.name)?;
        Some((volume.config_map.as_ref()?.name.clone(), key.to_owned()))
    })
}
