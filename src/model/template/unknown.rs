//! What a template names and nothing gives: found when it is loaded, whichever way it would take through itself.

use std::collections::BTreeSet;

use minijinja::{
    Environment, Template,
    machinery::{Instruction, Instructions, get_compiled_template},
};

use super::{Form, Links, environment, words};
use crate::model::near;

/// Filters that people look for: highwater's own, then those of Jinja. What is missing here is known all the same.
const FILTERS: [&str; 40] = [
    "human_bytes",
    "duration",
    "percent",
    "abs",
    "batch",
    "bool",
    "capitalize",
    "count",
    "default",
    "dictsort",
    "escape",
    "first",
    "float",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "replace",
    "reverse",
    "round",
    "select",
    "slice",
    "sort",
    "split",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
];
/// And tests, of which there is no list to be had either.
const TESTS: [&str; 20] = [
    "defined",
    "undefined",
    "none",
    "boolean",
    "divisibleby",
    "endingwith",
    "even",
    "in",
    "integer",
    "iterable",
    "lower",
    "mapping",
    "number",
    "odd",
    "sameas",
    "sequence",
    "startingwith",
    "string",
    "true",
    "upper",
];

/// The methods that there are: of a loop. Nothing else has any.
const METHODS: [&str; 2] = ["changed", "cycle"];

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// `{{ name }}`
    Name,
    /// `{{ … | name }}`
    Filter,
    /// `{% if … is name %}`
    Test,
    /// `{{ name(…) }}`
    Function,
    /// `{{ ….name(…) }}`
    Method,
}

/// One of them, and what would have been right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unknown {
    pub sort: Sort,
    pub name: String,
    pub hint: String,
}

impl Unknown {
    /// No filter of that name, as a complaint says it.
    pub fn words(&self) -> String {
        let sort = match self.sort {
            Sort::Name => "",
            Sort::Filter => "filter ",
            Sort::Test => "test ",
            Sort::Function => "function ",
            Sort::Method => "method ",
        };
        format!("no {sort}`{}`", self.name)
    }
}

/// Compiles a template; the answer is what it speaks of that neither `names` nor a helper gives.
pub fn unknown(template: &str, names: &[&str]) -> Result<Vec<Unknown>, String> {
    let environment = environment(Form::Text, &Links::default());
    let compiled = environment.template_from_str(template).map_err(|error| words(&error))?;
    let used = Used::of(&compiled);
    let known = Known { environment: &environment, names };
    let undeclared = compiled.undeclared_variables(false);
    let calls = undeclared.iter().filter(|name| used.functions.contains(name.as_str()));
    let plain = undeclared.iter().filter(|name| !used.functions.contains(name.as_str()));
    let mut found = BTreeSet::new();
    found.extend(calls.filter_map(|name| known.function(name)));
    found.extend(plain.filter_map(|name| known.name(name)));
    found.extend(used.filters.iter().filter_map(|name| known.filter(name)));
    found.extend(used.tests.iter().filter_map(|name| known.test(name)));
    found.extend(used.methods.difference(&used.keys).filter_map(|name| known.method(name)));
    Ok(found.into_iter().collect())
}

/// What the instructions of a template call by name.
#[derive(Default)]
struct Used {
    filters: BTreeSet<String>,
    tests: BTreeSet<String>,
    functions: BTreeSet<String>,
    methods: BTreeSet<String>,
    /// By which the template itself may keep something that can be called: `{{ {'f': range}.f(3) }}`.
    keys: BTreeSet<String>,
}

impl Used {
    fn of(template: &Template<'_, '_>) -> Self {
        let compiled = get_compiled_template(template);
        let mut used = Self::default();
        for part in [&compiled.instructions].into_iter().chain(compiled.blocks.values()) {
            used.add(part);
        }
        used
    }

    fn add(&mut self, part: &Instructions<'_>) {
        for instruction in (0..).map_while(|at| part.get(at)) {
            let (names, name) = match instruction {
                Instruction::ApplyFilter(name, ..) => (&mut self.filters, name),
                Instruction::PerformTest(name, ..) => (&mut self.tests, name),
                Instruction::CallFunction(name, _) => (&mut self.functions, name),
                Instruction::CallMethod(name, _) => (&mut self.methods, name),
                Instruction::SetAttr(name) => (&mut self.keys, name),
                Instruction::LoadConst(value) => {
                    self.keys.extend(value.as_str().map(str::to_owned));
                    continue;
                }
                _ => continue,
            };
            names.insert((*name).to_owned());
        }
    }
}

/// What there is.
struct Known<'a> {
    environment: &'a Environment<'static>,
    names: &'a [&'a str],
}

impl Known<'_> {
    fn name(&self, name: &str) -> Option<Unknown> {
        let given = self.names.contains(&name) || self.is_function(name);
        (!given).then(|| of(Sort::Name, name, near::hint(name, self.names.iter().copied())))
    }

    fn function(&self, name: &str) -> Option<Unknown> {
        if self.names.contains(&name) || self.is_function(name) {
            return None;
        }
        let filter = self.is("filter", name).then(|| format!("it is a filter: write `… | {name}`"));
        let functions: Vec<&str> = self.environment.globals().map(|(known, _)| known).collect();
        let near = || near::hint(name, functions.iter().copied().filter(|known| *known != "debug"));
        Some(of(Sort::Function, name, filter.or_else(near)))
    }

    fn filter(&self, name: &str) -> Option<Unknown> {
        if self.is("filter", name) {
            return None;
        }
        let function = self.is_function(name).then(|| format!("it is a function: write `{name}(…)`"));
        Some(of(Sort::Filter, name, function.or_else(|| near::hint(name, FILTERS))))
    }

    fn test(&self, name: &str) -> Option<Unknown> {
        (!self.is("test", name)).then(|| of(Sort::Test, name, near::hint(name, TESTS)))
    }

    fn method(&self, name: &str) -> Option<Unknown> {
        if METHODS.contains(&name) {
            return None;
        }
        let filter = self.is("filter", name).then(|| format!("it is a filter: write `… | {name}`"));
        let near = || {
            near::hint(name, FILTERS).map(|hint| format!("nothing has methods, there are filters: {hint}"))
        };
        Some(of(Sort::Method, name, filter.or_else(near)))
    }

    fn is_function(&self, name: &str) -> bool {
        self.environment.globals().any(|(known, _)| known == name)
    }

    /// Templates may ask `is filter` and `is test`, and so may we.
    fn is(&self, sort: &str, name: &str) -> bool {
        self.environment.empty_state().perform_test(sort, &[name.into()]).unwrap_or(false)
    }
}

fn of(sort: Sort, name: &str, hint: Option<String>) -> Unknown {
    Unknown { sort, name: name.to_owned(), hint: hint.unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(template: &str) -> Vec<(Sort, String)> {
        let found = unknown(template, &["value", "f"]).unwrap();
        found.into_iter().map(|one| (one.sort, one.name)).collect()
    }

    fn hint(template: &str) -> String {
        unknown(template, &["value"]).unwrap().remove(0).hint
    }

    #[test]
    fn what_nothing_gives_is_found_before_it_is_needed() {
        assert_eq!(found("{{ vlaue }}"), [(Sort::Name, "vlaue".to_owned())]);
        assert_eq!(found("{{ value | upcase }}"), [(Sort::Filter, "upcase".to_owned())]);
        assert_eq!(found("{{ now() }}"), [(Sort::Function, "now".to_owned())]);
        assert_eq!(found("{% if value is big %}x{% endif %}"), [(Sort::Test, "big".to_owned())]);
        assert_eq!(found("{{ value.upper() }}"), [(Sort::Method, "upper".to_owned())]);
        assert_eq!(found("{{ f.x.get('a') }}"), [(Sort::Method, "get".to_owned())]);
        assert!(unknown("{{ value ", &["value"]).is_err());
        let with_helpers = "{% for i in range(3) %}{{ i | percent }}{% endfor %}{{ link('https://a', f.x) }}";
        assert_eq!(found(with_helpers), []);
    }

    #[test]
    fn it_is_found_wherever_the_template_would_go() {
        for hidden in [
            "{% if false %}{{ value | upcase }}{% endif %}",
            "{% for one in f %}{{ one | upcase }}{% endfor %}",
            "{% filter upcase %}x{% endfilter %}",
            "{% macro m() %}{{ value | upcase }}{% endmacro %}",
            "{% block b %}{{ value | upcase }}{% endblock %}",
            "{% set x = value | upcase %}",
        ] {
            assert_eq!(found(hidden), [(Sort::Filter, "upcase".to_owned())], "{hidden}");
        }
    }

    #[test]
    fn what_only_looks_like_a_name_is_none() {
        for fine in [
            "{# value | upcase #}",
            "{% raw %}{{ value | upcase }}{% endraw %}",
            "{{ 'a | upcase' }} | upcase",
            "{{ value | default('x') | upper | length }}{% if value is not none and value is defined %}{% endif %}",
            "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(value) }}",
            "{% for one in f %}{{ loop.index }}{{ loop.cycle('a', 'b') }}{% endfor %}",
            "{% set ns = namespace(n=0) %}{% set ns.n = 1 %}{{ ns.n }}",
            "{% for one in f %}{% if loop.changed(one) %}{{ one }}{% endif %}{% endfor %}",
            "{% macro m(x) %}{{ x }}{% endmacro %}{% set ns = namespace() %}{% set ns.f = m %}{{ ns.f(1) }}",
            "{% set ns = namespace(f=range) %}{{ ns.f(3) }}{{ {'g': range}.g(3) }}{{ dict(h=range).h(3) }}",
            "{% block b %}{% endblock %}{{ self.b() }}",
            "{{ f | map('upper') | join(', ') }}{{ value is eq(1) }}",
        ] {
            assert_eq!(found(fine), [], "{fine}");
        }
    }

    #[test]
    fn a_hint_says_what_would_have_been_right() {
        assert_eq!(hint("{{ value | uper }}"), "did you mean `upper`?");
        assert_eq!(hint("{{ value | human_byte }}"), "did you mean `human_bytes`?");
        assert!(hint("{{ value | strftime }}").starts_with("known are `human_bytes`, `duration`, `percent`"));
        assert_eq!(hint("{{ percent(value) }}"), "it is a filter: write `… | percent`");
        assert_eq!(hint("{{ value | link }}"), "it is a function: write `link(…)`");
        assert_eq!(hint("{{ value.upper() }}"), "it is a filter: write `… | upper`");
        assert_eq!(
            hint("{{ value.uper() }}"),
            "nothing has methods, there are filters: did you mean `upper`?"
        );
        assert_eq!(hint("{{ lnik(value) }}"), "did you mean `link`?");
        assert_eq!(hint("{% if value is strnig %}{% endif %}"), "did you mean `string`?");
    }

    #[test]
    fn whatever_a_hint_names_is_there() {
        let environment = environment(Form::Text, &Links::default());
        let known = Known { environment: &environment, names: &[] };
        assert_eq!(FILTERS.iter().find(|name| !known.is("filter", name)), None);
        assert_eq!(TESTS.iter().find(|name| !known.is("test", name)), None);
    }
}
