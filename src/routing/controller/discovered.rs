//! The controllers that run in the cluster, found by their workloads and pods, and the dialects that follow from them.
//!
//! Several may have one `--controller-class`, and a rollout has two versions. What they do not agree on is unknown.

use std::collections::{BTreeMap, BTreeSet};

use super::annotation_class::AnnotationClass;
use super::dialect::{ControllerFamily, Dialect};
use super::discovery::{Discovery, DiscoveryMode};
use super::instance::Instance;
use super::settings::ControllerSettings;
use super::watched::WatchedNamespaces;
use crate::cluster::{ClusterView, ControllerPods};
use crate::model::{ControllerProcess, ControllerProgram, Key, Kind, Pod, Rollout, Workload};

/// The controllers that run in a cluster.
#[derive(Debug, Default)]
pub struct Discovered {
    /// Those in the namespaces of discovery.
    pub instances: Vec<Instance>,
    /// Those in other namespaces, which do not count.
    pub ignored: Vec<(Kind, Key)>,
    /// Those whose pods have not all the same template, and are not all known.
    pub unclear: Vec<(Kind, Key)>,
}

/// The running controllers of one `--controller-class` that may handle the same Ingresses.
#[derive(Debug)]
pub(super) struct InstanceGroup<'a> {
    pub(super) controller_class: &'a str,
    members: Vec<&'a Instance>,
}

impl Discovery {
    /// Returns the controllers that run in a cluster. Reads workloads, pods and IngressClasses.
    #[must_use]
    pub fn find(&self, view: &ClusterView<'_>) -> Discovered {
        let mut found = Discovered::default();
        if self.mode != DiscoveryMode::Workloads {
            return found;
        }
        let pods = view.controller_pods();
        if pods.workloads.is_empty() && pods.ready_pods.is_empty() {
            return found;
        }
        let places = self.places().into_iter().chain(self.places_of_classes(view.classes()));
        let namespaces: BTreeSet<String> = places.map(|place| place.namespace).collect();
        let counts = |key: &Key| namespaces.contains(&*key.namespace);
        let mut of_workloads = BTreeSet::new();
        for (kind, workload) in &pods.workloads {
            if !counts(&workload.key) {
                found.ignored.push((*kind, workload.key.clone()));
                continue;
            }
            let knows_pods = view.knows_controller_pods(&workload.key.namespace);
            found.add((*kind, workload), &pods, knows_pods, &mut of_workloads);
        }
        for pod in pods.ready_pods.iter().filter(|pod| !of_workloads.contains(&pod.key)) {
            let source = (Kind::Pod, pod.key.clone());
            match pod.template.controller.as_deref() {
                Some(process) if counts(&pod.key) => found.instances.push(Instance::of(process, source)),
                _ if pods.selects(pod) => {}
                _ => found.ignored.push(source),
            }
        }
        self.add_hidden(&mut found, view);
        found
    }
}

impl Discovery {
    /// Adds controllers of which nothing is known: those of IngressClasses whose namespaces are not read, beside known controllers of
    /// the same name.
    fn add_hidden(&self, found: &mut Discovered, view: &ClusterView<'_>) {
        for class in view.classes() {
            let controller = &*class.controller;
            let is_known = found.instances.iter().any(|it| it.controller_class.as_deref() == Some(controller));
            let is_hidden =
                || self.place_of_class(class).is_some_and(|place| !view.reads_controllers(&place.namespace));
            if is_known && is_hidden() {
                found.instances.push(Instance::hidden(controller, (Kind::IngressClass, class.meta.key.clone())));
            }
        }
    }
}

impl ControllerPods<'_> {
    /// Returns whether a workload selects a pod.
    fn selects(&self, pod: &Pod) -> bool {
        self.workloads.iter().any(|(_, workload)| owns(workload, pod))
    }
}

fn owns(workload: &Workload, pod: &Pod) -> bool {
    workload.key.namespace == pod.key.namespace && workload.selector.select(&pod.template.labels)
}

impl Discovered {
    /// Adds the controllers of a workload: its template once the rollout is complete, and each ready pod that differs from it.
    fn add(
        &mut self,
        (kind, workload): (Kind, &Workload),
        pods: &ControllerPods<'_>,
        knows_pods: bool,
        seen: &mut BTreeSet<Key>,
    ) {
        let own: Vec<&Pod> = pods.ready_pods.iter().copied().filter(|pod| owns(workload, pod)).collect();
        seen.extend(own.iter().map(|pod| pod.key.clone()));
        let source = || (kind, workload.key.clone());
        // Mostly all pods have the process of the template.
        let mut processes: Vec<&ControllerProcess> = Vec::new();
        let mut add = |process| {
            if !processes.contains(&process) {
                processes.push(process);
                self.instances.push(Instance::of(process, source()));
            }
        };
        let template = workload.template.controller.as_deref();
        match workload.rollout {
            Rollout::Unavailable => return,
            Rollout::Unknown => return template.into_iter().for_each(add),
            Rollout::Complete => template.into_iter().for_each(&mut add),
            Rollout::Progressing => {}
        }
        own.iter().filter_map(|pod| pod.template.controller.as_deref()).for_each(add);
        if workload.rollout == Rollout::Progressing && (!knows_pods || own.is_empty()) {
            self.unclear.push(source());
            // The pods may have other images and flags than the template.
            self.instances.extend(template.map(|process| Instance {
                release: None,
                is_unclear: true,
                ..Instance::of(process, source())
            }));
        }
    }

    /// Returns the controllers in groups, of which each may handle an Ingress together: the same `--controller-class`, and
    /// namespaces in common.
    pub(super) fn groups(&self) -> Vec<InstanceGroup<'_>> {
        let mut by_class: BTreeMap<&str, Vec<&Instance>> = BTreeMap::new();
        for instance in &self.instances {
            if let Some(class) = &instance.controller_class {
                by_class.entry(class).or_default().push(instance);
            }
        }
        let mut groups = Vec::new();
        for (controller_class, members) in by_class {
            let mut parts: Vec<Vec<&Instance>> = Vec::new();
            for it in &members {
                match parts.iter_mut().find(|part| part[0].watched == it.watched) {
                    Some(part) => part.push(it),
                    None => parts.push(vec![it]),
                }
            }
            // One that watches every namespace, or unknown ones, handles the Ingresses of others, too.
            let excludes = |(at, part): (usize, &Vec<&Instance>)| {
                parts[..at].iter().all(|other| other[0].watched.exclude(&part[0].watched))
            };
            if !parts.iter().enumerate().all(excludes) {
                parts = vec![members];
            }
            groups.extend(parts.into_iter().map(|members| InstanceGroup { controller_class, members }));
        }
        groups
    }
}

impl InstanceGroup<'_> {
    /// Returns the dialect that all members agree on.
    pub(super) fn dialect(&self) -> Dialect {
        let Some((first, others)) = self.members.split_first() else { return Dialect::new(ControllerFamily::Nginx) };
        let agree = |is_same: &dyn Fn(&Instance) -> bool| others.iter().all(|other| is_same(other));
        let programs: BTreeSet<bool> = self.members.iter().map(|it| it.program == ControllerProgram::Nginx).collect();
        let reads_own = self.members.iter().all(|it| it.reads_own_prefix != Some(false));
        let family = match (reads_own, programs.contains(&true)) {
            (false, _) => ControllerFamily::Neutral,
            (true, true) => ControllerFamily::Nginx,
            (true, false) => ControllerFamily::Traefik,
        };
        let release = first.release.as_ref().filter(|_| agree(&|other| other.release == first.release));
        let annotation_classes: Option<BTreeSet<String>> =
            self.members.iter().map(|it| it.annotation_class.clone()).collect();
        let certificate = self.members.iter().any(|it| it.flags.default_ssl_certificate.as_deref() != Some(""));
        let disagrees = programs.len() > 1
            || self.members.iter().any(|it| it.is_unclear)
            || !agree(&|other| other.config_map == first.config_map && other.settings == first.settings);
        let flags = others.iter().fold(first.flags.clone(), |flags, other| flags.agreed(&other.flags));
        Dialect {
            version: release.map(|release| release.version),
            fork: release.and_then(|release| release.fork.clone()),
            annotation_class: annotation_classes
                .map_or(AnnotationClass::Unknown, |classes| AnnotationClass::Set(classes.into_iter().collect())),
            watched: WatchedNamespaces::union(self.members.iter().map(|it| &it.watched)),
            default_certificate: certificate,
            settings: if disagrees { ControllerSettings::default() } else { first.settings.clone() },
            flags,
            config_map: first.config_map.clone().flatten().filter(|_| !disagrees),
            settings_disagree: disagrees,
            reads_unknown_prefix: self.members.iter().any(|it| it.reads_own_prefix.is_none()),
            is_imitated: programs.contains(&false),
            workloads: self.members.iter().map(|it| it.source.clone()).collect::<BTreeSet<_>>().into_iter().collect(),
            ..Dialect::new(family)
        }
    }
}
