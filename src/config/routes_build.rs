//! From routes, maintenance and inhibition as typed to a [`Routing`] that cannot hold a wrong value.

use std::time::Duration;

use chrono_tz::Tz;

use super::{
    at::At,
    complaint::{Complaint, Report},
    dates::{self, Edge},
    near,
    place::Place,
    routes_form::{ActiveForm, InhibitForm, MaintenanceForm, RouteForm},
    routing::{Routing, Written},
};
use crate::model::{
    Level, Schedule,
    hours::Hours,
    inhibition::Inhibition,
    maintenance::{Maintenance, When},
    matcher::Matcher,
    route::Route,
    schedule::CronSchedule,
};

/// What was typed, each with its place.
#[derive(Debug, Default)]
pub struct Forms {
    /// `None`: there is no `routes` at all.
    pub routes: Option<(Place, Vec<(Place, RouteForm)>)>,
    pub maintenance: Vec<(Place, MaintenanceForm)>,
    pub inhibit: Vec<(Place, InhibitForm)>,
    pub built_in: bool,
}

pub fn build(forms: Forms, sinks: &[String], zone: Tz, report: &mut Report) -> Routing {
    let mut builder = Builder { sinks, zone, report, written: Vec::new() };
    let routes = forms.routes.map(|(place, forms)| builder.routes(place, forms)).unwrap_or_default();
    let maintenance = forms.maintenance.into_iter().filter_map(|form| builder.maintenance(form)).collect();
    let mut inhibit = if forms.built_in { Inhibition::built_in() } else { Vec::new() };
    inhibit.extend(forms.inhibit.into_iter().filter_map(|form| builder.inhibition(form)));
    Routing { routes, maintenance, inhibit, written: builder.written }
}

struct Builder<'a> {
    sinks: &'a [String],
    zone: Tz,
    report: &'a mut Report,
    written: Vec<Written>,
}

impl Builder<'_> {
    fn routes(&mut self, section: Place, forms: Vec<(Place, RouteForm)>) -> Vec<Route> {
        let mut routes: Vec<(Place, Route)> = Vec::new();
        let mut broken = false;
        for (place, form) in forms {
            let before = self.report.errors();
            let route = self.route(place, form);
            broken |= self.report.errors() > before;
            routes.push((place, route));
        }
        if !broken {
            self.complain_of_shadows(&routes);
            self.demand_a_default(section, &routes);
        }
        routes.into_iter().map(|(_, route)| route).collect()
    }

    fn route(&mut self, place: Place, form: RouteForm) -> Route {
        let matchers = self.matchers(form.matchers.as_deref().unwrap_or_default());
        if form.notify.is_empty() {
            self.report.add(
                Complaint::error("`notify` is empty, so this route reaches nobody")
                    .hint("name a sink; to withhold alerts for a time, write `maintenance`")
                    .at(place),
            );
        }
        self.written.push(Written { what: "route", place, matchers: matchers.clone() });
        Route {
            matchers,
            at_least: form.at_least.and_then(|level| {
                self.report.take(level.value.parse::<Level>().map_err(|why| level.error(why)))
            }),
            notify: self.known(&form.notify),
            goes_on: form.goes_on,
            active: form.active.and_then(|form| self.hours(place, form)),
        }
    }

    fn known(&mut self, names: &[At<String>]) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for name in names {
            if !self.sinks.contains(&name.value) {
                let mut complaint = name.error(format!("unknown sink `{}`", name.value));
                complaint.hint = near::hint(&name.value, self.sinks.iter().map(String::as_str))
                    .or_else(|| Some("`sinks` has none; add one like `log: { stdout: {} }`".to_owned()));
                self.report.add(complaint);
            } else if !found.contains(&name.value) {
                found.push(name.value.clone());
            }
        }
        found
    }

    fn matchers(&mut self, texts: &[At<String>]) -> Vec<Matcher> {
        let mut matchers: Vec<Matcher> = Vec::new();
        for text in texts {
            let read = text.value.parse::<Matcher>().map_err(|why| text.error(why));
            matchers.extend(self.report.take(read));
        }
        matchers.sort();
        matchers.dedup();
        matchers
    }

    fn zone(&mut self, form: Option<&At<String>>) -> Option<Tz> {
        let Some(zone) = form else { return Some(self.zone) };
        let unknown = |_| {
            zone.error(format!(
                "unknown time zone `{}`; write an IANA name like `Europe/Copenhagen` or `UTC`",
                zone.value
            ))
        };
        self.report.take(zone.value.parse::<Tz>().map_err(unknown))
    }

    fn hours(&mut self, place: Place, form: ActiveForm) -> Option<Hours> {
        let zone = self.zone(form.timezone.as_ref())?;
        if form.days.is_none() && form.hours.is_none() {
            let why = "`active` names no time; write `days: mon-fri`, `hours: \"08:00-18:00\"`, or both";
            self.report.add(Complaint::error(why).at(form.timezone.map_or(place, |zone| zone.place)));
            return None;
        }
        let text = |form: &Option<At<String>>| form.as_ref().map(|form| form.value.clone());
        let (days, hours) = (text(&form.days), text(&form.hours));
        // one after the other, so that the mistake is shown where it is
        if let Some(form) = form.days {
            self.report.take(Hours::parse(days.as_deref(), None, zone).map_err(|why| form.error(why)))?;
        }
        let blamed = form.hours.map_or(place, |form| form.place);
        let parsed = Hours::parse(days.as_deref(), hours.as_deref(), zone);
        self.report.take(parsed.map_err(|why| Complaint::error(why).at(blamed)))
    }

    /// A default that is never empty: nobody may fall through.
    fn demand_a_default(&mut self, section: Place, routes: &[(Place, Route)]) {
        let last = routes.last();
        if last.is_some_and(|(_, route)| route.takes_everything()) {
            return;
        }
        self.report.add(
            Complaint::error("`routes` has no default, so some alerts would be told to nobody")
                .hint("end the list with a route for all others, without `match`, `at_least` and `active`: `- { notify: [log] }`")
                .at(last.map_or(section, |(place, _)| *place)),
        );
    }

    fn complain_of_shadows(&mut self, routes: &[(Place, Route)]) {
        for (n, (place, route)) in routes.iter().enumerate() {
            let above = routes[..n].iter().position(|(_, above)| hides(above, route));
            let Some(above) = above else { continue };
            let same =
                (&routes[above].1.matchers, routes[above].1.at_least) == (&route.matchers, route.at_least);
            let shown = routes[above].1.show();
            let (number, what) = (above + 1, if same { "the same alerts" } else { "all of its alerts" });
            let (words, hint) = if same && routes[above].1.notify != route.notify {
                (
                    format!("this route contradicts route {number}, which takes {what} ({shown}) elsewhere"),
                    format!("name all sinks in one of them, or give route {number} `continue: true`"),
                )
            } else {
                (
                    format!("this route reaches nobody: route {number} takes {what} ({shown})"),
                    format!("put it above route {number}, or give that one `continue: true`"),
                )
            };
            self.report.add(Complaint::error(words).hint(hint).at(*place));
        }
    }

    fn maintenance(&mut self, (place, form): (Place, MaintenanceForm)) -> Option<Maintenance> {
        let zone = self.zone(form.timezone.as_ref());
        let Some(texts) = &form.matchers else {
            let why = "`match` is missing, so everything would be withheld";
            self.report.add(Complaint::error(why).hint("write `match: []` if that is meant").at(place));
            return None;
        };
        let matchers = self.matchers(texts);
        self.written.push(Written { what: "maintenance", place, matchers: matchers.clone() });
        let when = self.when(place, &form, zone?)?;
        Some(Maintenance { name: form.name.value, matchers, when })
    }

    fn when(&mut self, place: Place, form: &MaintenanceForm, zone: Tz) -> Option<When> {
        let lasts = form.lasts.as_ref();
        if let Some(lasts) = lasts.filter(|lasts| lasts.value.0.is_zero()) {
            self.report.add(lasts.error("this has to be longer than nothing"));
            return None;
        }
        match (&form.cron, &form.from, &form.to, lasts) {
            (Some(cron), None, None, Some(lasts)) => self.again(cron, zone, lasts.value.0),
            (None, Some(from), Some(to), None) => {
                let (from, end) = (self.date(from, zone, Edge::Begin), self.date(to, zone, Edge::End));
                let (from, end) = (from?, end?);
                if end <= from {
                    self.report.add(to.error("`to` has to be after `from`"));
                }
                Some(When::Once { from, to: end })
            }
            (None, Some(from), None, Some(lasts)) => {
                let from = self.date(from, zone, Edge::Begin)?;
                Some(When::Once { from, to: from + lasts.value.0 })
            }
            _ => {
                let why = "a window is `cron` with `for`, `from` with `to`, or `from` with `for`";
                self.report.add(Complaint::error(why).at(place));
                None
            }
        }
    }

    fn again(&mut self, cron: &At<String>, zone: Tz, lasts: Duration) -> Option<When> {
        let parsed = CronSchedule::parse(&cron.value, zone.name());
        let parsed = parsed.map_err(|why| cron.error(why.trim_end_matches('.')));
        let begins = Schedule::Cron(self.report.take(parsed)?);
        Some(When::Again { begins, lasts })
    }

    fn date(&mut self, form: &At<String>, zone: Tz, edge: Edge) -> Option<crate::model::Time> {
        self.report.take(dates::parse(&form.value, zone, edge).map_err(|why| form.error(why)))
    }

    fn inhibition(&mut self, (place, form): (Place, InhibitForm)) -> Option<Inhibition> {
        for (key, list) in [("when", &form.when), ("silences", &form.silences)] {
            if list.value.is_empty() {
                let why = format!("`{key}` is empty, and would mean every alert");
                self.report.add(Complaint::error(why).hint("write matchers like `rule=\"a\"`").at(place));
            }
        }
        let (when, silences) = (self.matchers(&form.when.value), self.matchers(&form.silences.value));
        self.written.push(Written { what: "`when`", place: form.when.place, matchers: when.clone() });
        self.written.push(Written {
            what: "`silences`",
            place: form.silences.place,
            matchers: silences.clone(),
        });
        Some(Inhibition { when, silences, equal: form.equal.into_iter().map(|name| name.value).collect() })
    }
}

/// Whether `above` takes whatever `below` would: at every hour, and without going on.
fn hides(above: &Route, below: &Route) -> bool {
    let floor = above.at_least.is_none_or(|floor| below.at_least.is_some_and(|level| level >= floor));
    let wider = above.matchers.iter().all(|matcher| below.matchers.contains(matcher));
    !above.goes_on && above.active.is_none() && floor && wider
}
