"use strict";
// The page contains all data as JSON. Rows are rendered as they scroll into view, and text is inserted as text only.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const LEVELS = ["audit", "warn", "deny"];
  const STATES = ["holds", "unseen", "broken"];
  const MARKS = { holds: "✓ ", soon: "! ", unseen: "? ", broken: "✗ ", plain: "" };
  const FINDINGS = 200, HOSTS = 60, PATHS = 200;

  const element = (tag, className, ...children) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    node.append(...children);
    return node;
  };
  const isolated = (tag, className, text) => element(tag, className, element("bdi", "", text));
  const link = (href, text, label) => {
    const node = isolated("a", "", text);
    node.href = href;
    if (label) node.setAttribute("aria-label", label);
    return node;
  };
  const fragment = (...parts) => "#/" + parts.map((part) => part.split("/").map(encodeURIComponent).join("/")).join("/");
  const number = new Intl.NumberFormat("en");
  const counted = (count, what) => `${number.format(count)} ${what}${count === 1 ? "" : "s"}`;

  // A search text: every word must occur; `ingress:` matches one Ingress exactly.
  const asked = (text) => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const exact = words.filter((word) => word.startsWith("ingress:")).map((word) => word.slice(8));
    const loose = words.filter((word) => !word.startsWith("ingress:"));
    return {
      has: (hay) => loose.every((word) => hay.includes(word)),
      is: (ingress) => exact.every((name) => name === ingress),
    };
  };

  // A list that shows its first rows, and more as they scroll into view.
  const lazily = (button, step, render) => {
    let wanted = [], shown = 0;
    const show = (count) => {
      const upTo = Math.min(wanted.length, shown + count);
      render(wanted.slice(shown, upTo));
      shown = upTo;
      button.hidden = shown >= wanted.length;
    };
    button.addEventListener("click", () => show(step));
    const sight = new IntersectionObserver((seen) => {
      if (!seen.some((entry) => entry.isIntersecting) || shown >= wanted.length) return;
      show(step);
      // Observed again, because the button may still be visible.
      sight.unobserve(button);
      sight.observe(button);
    }, { rootMargin: "600px" });
    sight.observe(button);
    return { all: (list) => { wanted = list; shown = 0; show(step); }, rest: () => show(Infinity) };
  };

  // --- findings ---

  const findings = data.findings.map((row, order) => {
    const [level, code, namespace, name, field, message, help, place, accepted] = row;
    const ingress = `${namespace}/${name}`;
    const shown = accepted ? accepted[0] : LEVELS[level];
    const title = data.checks[code] || "";
    return {
      order, level, shown, code, title, namespace, ingress, field, message, help, place, reason: accepted ? accepted[1] : "",
      hay: `${shown} ${code} ${title} ${ingress} ${field} ${message} ${help} ${place}`.toLowerCase(),
    };
  });
  const ofIngress = new Map();
  for (const finding of findings) {
    const known = ofIngress.get(finding.ingress) || { count: 0, worst: -1 };
    const worst = finding.shown === LEVELS[finding.level] ? finding.level : -1;
    ofIngress.set(finding.ingress, { count: known.count + 1, worst: Math.max(known.worst, worst) });
  }
  const onMap = new Set(data.hosts.flatMap((host) => host.r.map((route) => route[2])));

  const tbody = byId("finding-table").tBodies[0];
  const findingRow = (finding) => {
    const level = element("td", "", element("span", `tag ${finding.shown}-tag`, finding.shown));
    const code = element("td", "", link(`#${finding.code}`, finding.code), element("span", "name", finding.title));
    const where = onMap.has(finding.ingress)
      ? link(fragment("map", finding.ingress), finding.ingress, `${finding.ingress} on the route map`)
      : element("bdi", "", finding.ingress);
    const ingress = element("td", "", where);
    const what = element("td", "", isolated("span", "", finding.message));
    if (finding.help) what.append(isolated("span", "help", finding.help));
    if (finding.reason) what.append(isolated("span", "help", finding.reason));
    what.append(isolated("span", "field", finding.field));
    if (finding.place) what.append(isolated("span", "field", finding.place));
    const own = `${finding.code} on ${finding.ingress}`;
    what.append(element("span", "field", link(fragment("finding", finding.code, finding.ingress), "link", `Link to ${own}`)));
    return element("tr", "", level, code, ingress, what);
  };
  const findingList = lazily(byId("finding-more"), FINDINGS, (some) => tbody.append(...some.map(findingRow)));

  const compare = new Intl.Collator("en", { numeric: true }).compare;
  const ORDERS = {
    // Waived and baseline findings come last.
    level: (a, b) => !a.reason - !b.reason || a.level - b.level,
    code: (a, b) => (a.code < b.code ? -1 : a.code > b.code ? 1 : 0),
    ingress: (a, b) => compare(a.ingress, b.ingress),
  };
  const sorting = { by: "level", descending: true };
  const search = byId("finding-search"), level = byId("finding-level"), code = byId("finding-code"), namespace = byId("finding-namespace");
  const options = (select, values) => select.append(...values.map(([value, text]) => new Option(text, value)));
  const distinct = (of) => {
    const counts = new Map();
    for (const finding of findings) counts.set(of(finding), (counts.get(of(finding)) || 0) + 1);
    return counts;
  };
  const levels = distinct((finding) => finding.shown);
  options(level, ["deny", "warn", "audit", "waived", "baseline"].filter((name) => levels.has(name)).map((name) => [name, `${name} (${levels.get(name)})`]));
  options(code, [...distinct((finding) => finding.code)].sort().map(([name, count]) => [name, `${name} ${data.checks[name] || ""} (${count})`]));
  options(namespace, [...distinct((finding) => finding.namespace)].sort((a, b) => compare(a[0], b[0])).map(([name, count]) => [name, `${name} (${count})`]));

  const showFindings = () => {
    const wanted = asked(search.value);
    const some = findings.filter((finding) =>
      (!level.value || finding.shown === level.value) && (!code.value || finding.code === code.value) &&
      (!namespace.value || finding.namespace === namespace.value) && wanted.is(finding.ingress.toLowerCase()) && wanted.has(finding.hay));
    const order = ORDERS[sorting.by], way = sorting.descending ? -1 : 1;
    some.sort((a, b) => way * order(a, b) || a.order - b.order);
    tbody.replaceChildren();
    findingList.all(some);
    byId("finding-status").textContent = findings.length === 0 ? "No findings."
      : some.length === findings.length ? counted(some.length, "finding") : `${number.format(some.length)} of ${counted(findings.length, "finding")}`;
  };
  const clearFindings = () => { for (const control of [search, level, code, namespace]) control.value = ""; };
  for (const button of document.querySelectorAll("[data-sort]")) {
    button.addEventListener("click", () => {
      const by = button.dataset.sort;
      sorting.descending = sorting.by === by ? !sorting.descending : by === "level";
      sorting.by = by;
      for (const head of byId("finding-table").tHead.rows[0].cells) head.removeAttribute("aria-sort");
      button.parentElement.setAttribute("aria-sort", sorting.descending ? "descending" : "ascending");
      showFindings();
    });
  }

  // --- route map ---

  const hosts = data.hosts.map((host) => ({ ...host, hay: `${host.h} ${host.c} ${host.k[0]} ${host.k[3]}`.toLowerCase() }));
  const hayOf = (host, route) => (route.hay ??= `${host.hay} ${route.slice(0, 5).join(" ")}`.toLowerCase());
  const box = byId("hosts");
  const tag = (state, text) => element("span", `tag ${state}-tag`, element("span", "", MARKS[state]), element("bdi", "", text));

  const routeRow = (route) => {
    const [path, kind, ingress, service, outcome, state, cut] = route;
    const cells = [
      element("td", "", isolated("span", "path", path), " ", element("span", "kind", kind)),
      element("td", "to"), element("td", "to", element("bdi", "", service)),
      element("td", "to", tag(state === 0 && !service ? "plain" : STATES[state], outcome)),
    ];
    const known = ofIngress.get(ingress);
    if (known) {
      const count = element("span", `tag count ${known.worst < 0 ? "waived" : LEVELS[known.worst]}-tag`, counted(known.count, "finding"));
      const to = link(fragment("findings", ingress), ingress, `${ingress}: ${counted(known.count, "finding")}`);
      cells[1].append(to, " ", count);
    } else {
      cells[1].append(element("bdi", "", ingress));
    }
    if (cut >= 0 && state > 0) cells[cut].classList.add(state === 2 ? "cut" : "doubt");
    return element("tr", "", ...cells);
  };
  const COLUMNS = ["Path", "Ingress", "Service", "Endpoints"];
  const hostBox = ({ host, routes }) => {
    const [text, state, until, secret] = host.k;
    const title = element("h3", "", element("bdi", "", host.h === "*" ? "* (any other host)" : host.h));
    const head = element("div", "head", title, tag(state, text));
    if (secret) head.append(isolated("span", "by", `Secret ${secret}`));
    if (until) head.append(element("span", "by", until));
    head.append(isolated("span", "by", host.c));
    const rows = element("tbody", "");
    const table = element("table", "", element("caption", "hidden", `Routes of ${host.h}`),
      element("colgroup", "", ...COLUMNS.map(() => element("col", ""))),
      element("thead", "hidden", element("tr", "", ...COLUMNS.map((name) => Object.assign(element("th", "", name), { scope: "col" })))), rows);
    const whole = element("div", "host", head, table);
    whole.setAttribute("role", "group");
    whole.setAttribute("aria-label", host.h);
    const more = element("button", "");
    more.type = "button";
    let shown = 0;
    const show = (count) => {
      rows.append(...routes.slice(shown, shown + count).map(routeRow));
      shown = Math.min(routes.length, shown + count);
      more.textContent = `Show ${counted(routes.length - shown, "more path")}`;
      more.hidden = shown >= routes.length;
    };
    more.addEventListener("click", () => show(PATHS));
    show(PATHS);
    whole.append(more);
    if (routes.length < host.r.length) whole.append(element("p", "rest", `${number.format(routes.length)} of ${counted(host.r.length, "path")}`));
    return whole;
  };
  const hostList = lazily(byId("map-more"), HOSTS, (some) => box.append(...some.map(hostBox)));

  const find = byId("map-search"), state = byId("map-state"), sort = byId("map-order");
  const LOOK = new Set(["broken", "soon"]);
  const showMap = () => {
    const wanted = asked(find.value);
    const narrowed = find.value.trim() !== "";
    const some = [];
    let count = 0;
    for (const host of hosts) {
      if (state.value === "certificate" && !LOOK.has(host.k[1])) continue;
      const routes = host.r.filter((route) =>
        (state.value !== "broken" || route[5] === 2) && (state.value !== "unseen" || route[5] === 1) &&
        (!narrowed || (wanted.is(route[2].toLowerCase()) && wanted.has(hayOf(host, route)))));
      const bare = host.r.length === 0 && !narrowed && (state.value === "" || state.value === "certificate");
      if (routes.length > 0 || bare) some.push({ host, routes });
      count += routes.length;
    }
    if (sort.value === "expiry") some.sort((a, b) => (a.host.k[4] ?? Infinity) - (b.host.k[4] ?? Infinity));
    box.replaceChildren();
    hostList.all(some);
    const all = some.length === hosts.length ? "" : ` of ${number.format(hosts.length)}`;
    byId("map-status").textContent = hosts.length === 0 ? "No hosts." : `${number.format(some.length)}${all} ${hosts.length === 1 ? "host" : "hosts"}, ${counted(count, "path")}`;
  };
  const clearMap = () => { find.value = ""; state.value = ""; };

  // --- controls ---

  const soon = (run) => { let due = 0; return () => { cancelAnimationFrame(due); due = requestAnimationFrame(run); }; };
  for (const control of [search, level, code, namespace]) control.addEventListener("input", soon(showFindings));
  for (const control of [find, state, sort]) control.addEventListener("input", soon(showMap));
  byId("finding-clear").addEventListener("click", () => { clearFindings(); showFindings(); search.focus(); });
  byId("map-clear").addEventListener("click", () => { clearMap(); showMap(); find.focus(); });
  document.addEventListener("keydown", (event) => {
    const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); search.focus(); }
  });

  // --- links within the page: #/map/NAMESPACE/NAME, #/findings/NAMESPACE/NAME, #/finding/CODE/NAMESPACE/NAME, #/level/…, #/code/…,
  // #/namespace/…, #/state/… ---

  const arrive = (id) => {
    byId(id).scrollIntoView();
    byId(id).focus({ preventScroll: true });
  };
  const follow = () => {
    const hash = location.hash;
    if (!hash.startsWith("#/")) {
      const article = hash.startsWith("#IG") && byId(`${hash.slice(1)}-title`);
      if (article) article.focus({ preventScroll: true });
      return;
    }
    let parts;
    try { parts = hash.slice(2).split("/").map(decodeURIComponent); } catch { return; }
    const [what, ...rest] = parts;
    const name = rest.join("/");
    if (what === "map" || what === "state") {
      clearMap();
      if (what === "map") find.value = `ingress:${name}`; else state.value = name;
      showMap();
      arrive("map-title");
      return;
    }
    const control = { findings: search, finding: search, level, code, namespace }[what];
    if (!control) return;
    clearFindings();
    if (what === "finding") code.value = rest.shift();
    control.value = control === search ? `ingress:${rest.join("/")}` : name;
    showFindings();
    arrive("findings-title");
  };
  addEventListener("hashchange", follow);
  // Print all rows that match the filters.
  addEventListener("beforeprint", () => { findingList.rest(); hostList.rest(); });

  // --- the live page: it is loaded again, and keeps its filters and its place ---

  const controls = [search, level, code, namespace, find, state, sort];
  const resume = () => {
    const kept = JSON.parse(sessionStorage.getItem("view"));
    sessionStorage.removeItem("view");
    if (!kept || kept.hash !== location.hash) return;
    controls.forEach((control, index) => { control.value = kept.values[index]; });
    showFindings();
    showMap();
    scrollTo(0, kept.top);
  };
  const reload = () => {
    // Not in the middle of a selection or a search, and not in the background.
    const isInUse = document.hidden || !getSelection().isCollapsed || controls.includes(document.activeElement);
    if (isInUse) { setTimeout(reload, 5000); return; }
    sessionStorage.setItem("view", JSON.stringify({ hash: location.hash, values: controls.map((control) => control.value), top: scrollY }));
    location.reload();
  };

  showFindings();
  showMap();
  follow();
  const refresh = Number(document.body.dataset.refresh);
  if (refresh) {
    resume();
    setTimeout(reload, refresh * 1000);
  }
  document.documentElement.dataset.ready = Math.round(performance.now());
})();
