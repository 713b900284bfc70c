//! Compares many worlds, a hundred of them per nginx process, and reduces each world that differs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::Instant;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::controller::{self, Configuration, Source};
use crate::counts::Counts;
use crate::explained::{self, Explained};
use crate::findings::{self, Found};
use crate::generate;
use crate::model::{self, Place, PredictedAnswer, PredictedOutcome, Prediction};
use crate::probed;
use crate::process::{self, Response, Running};
use crate::render;
use crate::requests::Request;
use crate::values::{Effect, effect};
use crate::world::{Backend, Port, World};

/// Worlds per nginx process.
const TOGETHER: usize = 100;
/// Worlds after which a long run prints its progress.
const WORTH_A_LINE: usize = 5000;
/// Maximum number of worlds that are reduced and printed.
const SHOWN: usize = 5;

#[test]
#[expect(clippy::print_stdout, reason = "the seed and the figures describe the run")]
fn the_model_agrees_with_nginx() {
    let Some(program) = process::find() else { return };
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    // The same worlds in each run, so that no change fails by chance; `make worlds` uses other seeds.
    let seed = number("NGINX_SEED").unwrap_or(0);
    // One batch of a longer run again.
    let only = number("NGINX_BATCH").map(|batch| usize::try_from(batch).unwrap());
    let worlds = usize::try_from(number("NGINX_WORLDS").unwrap_or(2000)).unwrap();
    let worlds = only.map_or(worlds, |batch| (batch + 1) * TOGETHER);
    println!("NGINX_SEED={seed} NGINX_WORLDS={worlds}");
    let begun = Instant::now();
    let next = AtomicUsize::new(only.unwrap_or_default());
    let results = Mutex::new((Counts::default(), Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let batch = next.fetch_add(1, Ordering::Relaxed);
                    if batch * TOGETHER >= worlds || results.lock().unwrap().1.len() >= SHOWN {
                        break;
                    }
                    let (counts, differences) = run(&program, seed, batch);
                    let (all_counts, all_differences) = &mut *results.lock().unwrap();
                    all_counts.add(counts);
                    // A long run shows them at once.
                    for difference in &differences {
                        println!("{difference}\n");
                    }
                    all_differences.extend(differences);
                    if all_counts.worlds.is_multiple_of(WORTH_A_LINE) {
                        let (worlds, differ) = (all_counts.worlds, all_differences.len());
                        println!("{worlds} worlds, {differ} differ, in {:.0} s", begun.elapsed().as_secs_f64());
                    }
                }
            });
        }
    });
    let (counts, differences) = results.into_inner().unwrap();
    println!("{counts}, in {:.1} s", begun.elapsed().as_secs_f64());
    let count = differences.len();
    assert!(count == 0, "NGINX_SEED={seed}: {count} worlds differ\n\n{}", differences.join("\n\n"));
    if only.is_none() {
        counts.assert_some_of_everything();
    }
}

/// A world with its requests, the configuration by the simple controller, the result of the model, and the
/// explanations.
pub(crate) struct Case {
    pub(crate) world: World,
    pub(crate) requests: Vec<Request>,
    pub(crate) configuration: Configuration,
    prediction: Prediction,
    explained: Vec<Explained>,
    pub(crate) found: Vec<Found>,
}

impl Case {
    fn of(world: World) -> Self {
        let requests: Vec<Request> = world.asks.iter().map(|ask| ask.request(&world)).collect();
        let configuration = controller::configuration(&world);
        let prediction = model::stored(&world, &requests, false);
        let cluster = explained::cluster(&world);
        let explained = explained::some(&cluster, &requests);
        let found = findings::all(&cluster);
        Self { world, requests, configuration, prediction, explained, found }
    }
}

/// Generates some worlds and compares them; reduces each that differs as far as possible.
fn run(program: &Path, seed: u64, batch: usize) -> (Counts, Vec<String>) {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&(batch as u64).to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = generate::world();
    let mut trees: Vec<_> = (0..TOGETHER).map(|_| strategy.new_tree(&mut runner).unwrap()).collect();
    let cases: Vec<Case> = trees.iter().map(|tree| Case::of(tree.current())).collect();
    let mut counts = Counts::default();
    let differences = differences(program, &cases, &mut counts);
    let mut shown = Vec::new();
    for at in (0..cases.len()).filter(|at| differences[*at].is_some()).take(SHOWN) {
        let tree = &mut trees[at];
        let mut smallest = differences[at].clone().unwrap();
        let mut world = tree.current();
        let mut attempts = 0;
        let mut smaller = tree.simplify();
        while smaller && attempts < 400 {
            attempts += 1;
            let case = Case::of(tree.current());
            match self::differences(program, &[case], &mut Counts::default()).remove(0) {
                Some(difference) => {
                    smallest = difference;
                    world = tree.current();
                    smaller = tree.simplify();
                }
                None => smaller = tree.complicate(),
            }
        }
        shown.push(format!("batch {batch}, world {at}\n{world}\n{smallest}"));
    }
    (counts, shown)
}

/// Returns the differences in each of these worlds.
fn differences(program: &Path, cases: &[Case], counts: &mut Counts) -> Vec<Option<String>> {
    counts.worlds += cases.len();
    counts.strays += cases.iter().filter(|case| case.configuration.has_strays).count();
    let mut found: Vec<Option<String>> = cases.iter().map(before_nginx).collect();
    // If the locations differ already, nginx adds no information.
    let mut passed = Vec::new();
    let mut left: Vec<usize> = (0..cases.len()).filter(|at| found[*at].is_none()).collect();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pair.pem"), pair()).unwrap();
    for at in &left {
        let socket = socket(folder.path(), *at);
        fs::write(file(folder.path(), *at), render::world(&cases[*at].configuration, socket.to_str().unwrap(), *at))
            .unwrap();
    }
    let configure = |worlds: &[usize]| {
        let includes = worlds.iter().map(|at| format!("{at}.conf"));
        let text = render::main(folder.path().to_str().unwrap(), includes);
        fs::write(folder.path().join("nginx.conf"), text).unwrap();
    };
    // One by one: worlds that nginx should reject, and those that may lack a variable which another world has.
    let is_alone = |case: &Case| case.prediction.is_rejected() || case.configuration.crashes || may_lack_variable(case);
    for at in left.extract_if(.., |at| is_alone(&cases[*at])).collect::<Vec<_>>() {
        configure(&[at]);
        let case = &cases[at];
        let loaded =
            if case.configuration.crashes { Err(String::new()) } else { process::loads(program, folder.path()) };
        match (loaded, case.prediction.is_rejected()) {
            (Ok(()), false) => passed.push(at),
            (Ok(()), true) => {
                let (faults, block) = (&case.prediction.faults, &case.prediction.block);
                found[at] = Some(format!("nginx loads it, the model finds {faults:#?} {block:#?}"));
            }
            (Err(words), false) => found[at] = Some(format!("nginx rejects it, the model does not: {words}")),
            (Err(words), true) => {
                counts.rejected += 1;
                counts.crashes += usize::from(case.configuration.crashes);
                if let Err(what) = findings::agree_on_loading(case, false, || loads_without_strays(program, case)) {
                    found[at] = Some(what);
                }
                for of in &case.explained {
                    counts.explain(of);
                    if of.is_definite() && !of.is_not_loaded() {
                        let text = format!("nginx rejects it, which explain does not predict: {words}\n{of}");
                        found[at] = Some(text);
                    }
                }
            }
        }
    }
    left.extend(passed);
    left.sort_unstable();
    // The other worlds together; if nginx rejects one of them, again without that one.
    let running = loop {
        configure(&left);
        match Running::start(program, folder.path()) {
            Ok(running) => break running,
            Err(words) => {
                let of = |at: &usize| words.contains(&format!("/{at}.conf:"));
                let named = left.iter().copied().find(of).unwrap_or_else(|| panic!("nginx does not start: {words}"));
                found[named] = Some(format!("nginx rejects it, the model does not: {words}"));
                left.retain(|at| *at != named);
            }
        }
    };
    for at in left {
        let case = &cases[at];
        let mut shown = 0;
        if let Err(what) = findings::agree_on_loading(case, true, || loads_without_strays(program, case)) {
            found[at] = Some(what);
        }
        probed::add(&case.world, (at, &socket(folder.path(), at)), counts, &mut found[at]);
        let responses = process::ask(&socket(folder.path(), at), &case.requests);
        for (number, response) in responses.iter().enumerate() {
            let request = &case.requests[number];
            let predicted = &case.prediction.answers[number];
            if let Err(what) = compare(case, request, predicted, response) {
                shown += 1;
                if shown > 3 {
                    continue;
                }
                let line = format!("{request:?}: {what}\n  nginx {response}\n  model {predicted}\n");
                found[at].get_or_insert_default().push_str(&line);
            }
            counts.see(predicted, response);
        }
        for of in &case.explained {
            let (request, response) = (&case.requests[of.number], &responses[of.number]);
            let server = response.server.map(|number| &case.configuration.servers[number]);
            let answered = response.location.map(|at| (place(&case.world, server.unwrap(), at), at));
            let answered = answered.as_ref().map(|(place, at)| (place, &server.unwrap().locations[*at]));
            counts.explain(of);
            if !of.is_definite() {
                continue;
            }
            let source = answered.map_or(Source::Own, |(_, location)| location.source);
            let agrees = of.agrees(answered, response).map_err(|what| format!("explain: {what}"));
            if let Err(what) = agrees.and_then(|()| findings::agree(case, of, source, response)) {
                let line = format!("{request:?}: {what}\n  nginx {response}\n  explain {of}\n");
                found[at].get_or_insert_default().push_str(&line);
            }
        }
    }
    drop(running);
    found
}

/// Whether nginx loads the configuration as far as reviews read it.
fn loads_without_strays(program: &Path, case: &Case) -> bool {
    let configuration = controller::without_strays(&case.world);
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("pair.pem", &pair());
    write("0.conf", &render::world(&configuration, socket(folder.path(), 0).to_str().unwrap(), 0));
    write("nginx.conf", &render::main(folder.path().to_str().unwrap(), std::iter::once("0.conf".to_owned())));
    !configuration.crashes && process::loads(program, folder.path()).is_ok()
}

/// Whether an annotation names a variable that exists only if something in the configuration asks for it.
fn may_lack_variable(case: &Case) -> bool {
    let annotations = case.world.ingresses.iter().flat_map(|ingress| &ingress.annotations);
    let mut named =
        annotations.filter(|(name, value)| effect(name, value) == Some(Effect::Written) && value.contains('$'));
    named.next().is_some()
}

/// A certificate and its key.
fn pair() -> String {
    static PAIR: LazyLock<String> = LazyLock::new(|| {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        certificate.pem() + &key.serialize_pem()
    });
    PAIR.clone()
}

fn file(folder: &Path, at: usize) -> PathBuf {
    folder.join(format!("{at}.conf"))
}

fn socket(folder: &Path, at: usize) -> PathBuf {
    folder.join(format!("{at}.socket"))
}

/// Returns the differences that need no request: the locations, and the result of the model in other circumstances.
fn before_nginx(case: &Case) -> Option<String> {
    let Case { world, requests, configuration, prediction, .. } = case;
    let mut servers: Vec<(String, Vec<Place>)> = configuration
        .servers
        .iter()
        .map(|server| {
            let places = (0..server.locations.len()).map(|at| place(world, server, at));
            (server.host.clone(), places.collect())
        })
        .collect();
    let mut by_model = prediction.servers.clone();
    servers.sort_by(|a, b| a.0.cmp(&b.0));
    by_model.sort_by(|a, b| a.0.cmp(&b.0));
    if servers != by_model {
        return Some(format!("the locations differ\n  controller {servers:#?}\n  model {by_model:#?}"));
    }
    if let Some(difference) = prediction.difference(&model::stored(world, requests, true)) {
        return Some(format!("the order in which Ingresses are stored matters: {difference}\n{requests:?}"));
    }
    let candidate = world.ingresses.iter().map(|it| usize::from(it.second)).sum::<usize>() % world.ingresses.len();
    let reviewed = model::reviewed(world, requests, candidate);
    let difference = if configuration.has_strays {
        // Reviews do without the paths of canaries in the server `_`.
        prediction.without_catch_all().difference(&reviewed.without_catch_all())
    } else {
        prediction.difference(&reviewed)
    };
    if let Some(difference) = difference {
        let key = world.ingresses[candidate].key();
        return Some(format!("stored, or while {key} is reviewed: {difference}\n{requests:?}"));
    }
    None
}

/// A location of the simple controller as the model would describe it.
fn place(world: &World, server: &controller::Server, at: usize) -> Place {
    let location = &server.locations[at];
    Place {
        path: location.path.clone(),
        modifier: match (server.is_regex, location.is_exact) {
            (true, _) => "~*",
            (false, true) => "=",
            (false, false) => "",
        },
        ingress: location.ingress.map(|number| world.ingresses[number].key()),
        at: location.at.map(|(rule, path)| format!("spec.rules[{rule}].http.paths[{path}]")),
        is_exact_companion: location.is_exact_companion,
        backend: location.backend.map(|(_, backend)| match backend {
            Backend::Service(name, Port::Number(number)) => (name.to_owned(), number.to_string()),
            Backend::Service(name, Port::Name(port)) => (name.to_owned(), port.to_owned()),
            Backend::Resource => unreachable!("no location has such"),
        }),
    }
}

fn compare(case: &Case, request: &Request, predicted: &PredictedAnswer, response: &Response) -> Result<(), String> {
    let same = |what: &str, is: bool| if is { Ok(()) } else { Err(what.to_owned()) };
    if predicted.outcome == PredictedOutcome::BadRequest || (response.status == 400 && response.location.is_none()) {
        same("400", predicted.outcome == PredictedOutcome::BadRequest)?;
        return same("status", response.status == 400 && response.location.is_none());
    }
    let server = response.server.map(|number| &case.configuration.servers[number]);
    same("server", server.is_some_and(|server| server.host == predicted.server))?;
    let answered = response.location.map(|at| place(&case.world, server.unwrap(), at));
    same("location", answered == predicted.place)?;
    let source = response.location.map_or(Source::Own, |at| server.unwrap().locations[at].source);
    match &predicted.outcome {
        PredictedOutcome::BadRequest => Ok(()),
        PredictedOutcome::Refused(status) => same("status", response.status == *status),
        // The server that stands for no Service rejects some rewritten paths.
        PredictedOutcome::Backend(_) | PredictedOutcome::BackendByVariable if source == Source::Nothing => {
            same("status", [400, 503].contains(&response.status))
        }
        PredictedOutcome::Backend(_) | PredictedOutcome::BackendByVariable if source == Source::ErrorPage => {
            same("status", [400, 404].contains(&response.status))
        }
        PredictedOutcome::BudgetExceeded => Err("the model exceeds its budget".to_owned()),
        PredictedOutcome::Broken => same("status", response.status == 500),
        PredictedOutcome::Redirect(status, to) => {
            same("status", response.status == *status)?;
            let Some(to) = to else { return Ok(()) };
            let location = response.redirect.as_deref().unwrap_or_default();
            same("target", decoded(location.as_bytes()) == decoded(to))
        }
        PredictedOutcome::BackendByVariable => same("status", [200, 400].contains(&response.status)),
        PredictedOutcome::Backend(None) => {
            same("status", response.status == 200)?;
            same("what is passed on", response.body == request.target.as_bytes())
        }
        // The backend, also an nginx, rejects paths that begin without a slash or climb above the root.
        PredictedOutcome::Backend(Some(path)) if response.status == 400 => {
            same("status", !path.starts_with(b"/") || path.windows(3).any(|part| part == b"/.."))
        }
        PredictedOutcome::Backend(Some(path)) => {
            same("status", response.status == 200)?;
            let received = response.body.split(|byte| *byte == b'?').next().unwrap_or_default();
            same("path to the backend", decoded(received) == *path)
        }
    }
}

pub(crate) fn decoded(text: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < text.len() {
        match (text[at], digit(text.get(at + 1)), digit(text.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high << 4 | low).unwrap());
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}
