use serde_json::json;

use crate::{config, import::yaml};

#[test]
fn whatever_is_written_is_read_as_it_was() {
    let nasty = [
        "yes",
        "1",
        "1e3",
        "~",
        "null",
        "- a",
        "a: b",
        "#x",
        "a #b",
        "\"",
        "'",
        "\n",
        "\u{7}\u{2028}é",
        "",
        " a ",
        "{{ x }}",
        "*a",
        "&a",
        "!x",
        "%",
        "@",
        "1:30",
        "0x1",
        ".",
        "2024-01-01",
        "a\u{85}b",
        "a/b",
        "NaN",
        ".inf",
        "True",
        "a -b",
        "...",
        "---",
    ];
    for text in nasty {
        let value = json!({ "a": { text: [text, { "b": text, "c": [text, [text]] }], "d": text } });
        let written = yaml(&value);
        let read = config::plain(&written);
        assert_eq!(read.unwrap_or_else(|why| panic!("{text:?}: {why}\n{written}")), value, "{written}");
    }
    let numbers = json!({ "a": [1, -1, 1.5, true, null, u64::MAX, 1e300] });
    assert_eq!(config::plain(&yaml(&numbers)).unwrap(), numbers);
}
