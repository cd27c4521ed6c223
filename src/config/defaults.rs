//! What holds where a rule says nothing else: `defaults` of its file, then of the settings.

use super::rule_form::{DefaultsForm, RuleForm};

/// Takes from `defaults` what the rule leaves out.
pub fn fill(form: &mut RuleForm, defaults: &DefaultsForm) {
    fn or<T: Clone>(own: &mut Option<T>, given: &Option<T>) {
        if own.is_none() {
            own.clone_from(given);
        }
    }
    if form.check.value.clone().into_check().elsewhere().is_none() {
        or(&mut form.clusters, &defaults.clusters);
    }
    or(&mut form.schedule, &defaults.schedule);
    or(&mut form.schedule_while_firing, &defaults.schedule_while_firing);
    or(&mut form.schedule_while_unsettled, &defaults.schedule_while_unsettled);
    or(&mut form.no_data, &defaults.no_data);
    or(&mut form.absent, &defaults.absent);
    or(&mut form.blind, &defaults.blind);
    or(&mut form.notify, &defaults.notify);
    or(&mut form.publish, &defaults.publish);
    or(&mut form.repeat, &defaults.repeat);
    or(&mut form.flapping, &defaults.flapping);
    or(&mut form.runbook, &defaults.runbook);
    or(&mut form.title, &defaults.title);
    or(&mut form.message, &defaults.message);
    or(&mut form.query_delay, &defaults.query_delay);
    or(&mut form.max_catch_up, &defaults.max_catch_up);
    let labels = form.labels.get_or_insert_default();
    for (name, value) in defaults.labels.iter().flatten() {
        labels.entry(name.clone()).or_insert_with(|| value.clone());
    }
}
