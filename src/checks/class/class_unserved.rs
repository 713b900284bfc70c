//! IG103: the class belongs to a controller that does not run here.

use super::class_field;
use crate::checks::findings::list;
use crate::checks::{Applies, Check, Context, Findings, effects};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels, Quoted};
use crate::model::{ClassRef, Key, Kind, Kinds};

pub(crate) static CLASS_UNSERVED: Check = Check {
    code: "IG103",
    name: "class-unserved",
    summary: "the IngressClass belongs to a controller that is not in `classes.controllers`",
    levels: Levels::new(Level::Warn, Level::Deny),
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::IngressClass, Kind::Ingress]),
    hints: Kinds::NONE,
    page: include_str!("class_unserved.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let classes = &cx.settings.classes;
    let runs = |controller: &str| classes.controllers.iter().any(|running| running == controller);
    let ClassRef::Named(name) = cx.ingress.class_ref() else { return };
    // A class that is served by name is served whatever its IngressClass says.
    if classes.controllers.is_empty()
        || classes.assumes(name)
        || cx.settings.dialects.of_name(name, cx.namespace()).is_some()
    {
        return;
    }
    let Lookup::Found(class) = cx.view.class(name) else { return };
    if runs(&class.controller) || !cx.view.served(cx.ingress.class_ref()).is_absent() {
        return;
    }
    let (quoted, controller) = (Quoted(name), Quoted(&class.controller));
    let message = format!(
        "IngressClass {quoted} belongs to controller {controller}, which does not run here: {}",
        effects::NOT_FOUND
    );
    let finding = out.add(class_field(), name, message);
    finding.rests_on(Kind::IngressClass, Key::new("", name)).rests_on_index("served classes");
    let served = || cx.view.classes().filter(|class| runs(&class.controller)).map(|class| Quoted(&class.meta.key.name));
    if served().next().is_some() {
        finding.help(format!("use class {}", list(served())));
    } else {
        finding.help("install the controller or add it to classes.controllers");
    }
}
