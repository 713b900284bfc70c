//! IG103: the class belongs to a controller that does not run here.

use super::class_field;
use crate::checks::findings::list;
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Key, Kind, Kinds};

pub(crate) static CLASS_UNSERVED: Check = Check {
    code: "IG103",
    name: "class-unserved",
    summary: "the IngressClass belongs to a controller that is not in `classes.controllers`",
    levels: Levels::new(Level::Warn, Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::IngressClass, Kind::Ingress]),
    hints: Kinds::NONE,
    page: include_str!("class_unserved.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let classes = &cx.settings.classes;
    let Some(class) = classes.unserved(cx.ingress, cx.view, &cx.settings.dialects) else { return };
    let name = &*class.meta.key.name;
    let (quoted, controller) = (Quoted(name), Quoted(&class.controller));
    let message = format!(
        "IngressClass {quoted} belongs to controller {controller}, which does not run here: {}",
        effects::NOT_FOUND
    );
    let finding = out.add(class_field(), name, message);
    finding.rests_on(Kind::IngressClass, Key::new("", name)).rests_on_index("served classes");
    let runs = |controller: &str| classes.controllers.iter().any(|running| running == controller);
    let served = || cx.view.classes().filter(|class| runs(&class.controller)).map(|class| Quoted(&class.meta.key.name));
    if served().next().is_some() {
        finding.help(format!("use class {}", list(served())));
    } else {
        finding.help("install the controller or add it to classes.controllers");
    }
}
