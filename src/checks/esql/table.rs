//! The table that ES|QL answers with: columns with names and types, and rows.

use serde_json::Value;

use crate::model::{Cause, Number, Reason};

pub struct Table<'a> {
    columns: Vec<(&'a str, &'a str)>,
    values: &'a [Value],
}

impl<'a> Table<'a> {
    pub fn of(answer: &'a Value) -> Result<Self, Reason> {
        let columns =
            answer.get("columns").and_then(Value::as_array).ok_or_else(|| malformed("no `columns`"))?;
        let column = |column: &'a Value| Some((column.get("name")?.as_str()?, column.get("type")?.as_str()?));
        let columns: Option<Vec<_>> = columns.iter().map(column).collect();
        let columns = columns.ok_or_else(|| malformed("a column without name or type"))?;
        let values =
            answer.get("values").and_then(Value::as_array).ok_or_else(|| malformed("no `values`"))?;
        Ok(Self { columns, values })
    }

    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.columns.iter().map(|(name, _)| *name)
    }

    pub fn column(&self, name: &str) -> Result<usize, Reason> {
        self.names().position(|column| column == name).ok_or_else(|| {
            let names: Vec<String> = self.names().take(10).map(|name| format!("`{name}`")).collect();
            let text = format!("the table has no column `{name}`; it has {}", names.join(", "));
            Reason::new(Cause::Missing, text)
        })
    }

    /// A column that can be judged.
    pub fn number_column(&self, name: &str) -> Result<usize, Reason> {
        let at = self.column(name)?;
        let hint = match self.columns[at].1 {
            "date" | "date_nanos" => "; say how old it is: `DATE_DIFF(\"seconds\", it, NOW())`",
            "keyword" | "text" | "ip" | "version" => "; count it, or turn it into one: `TO_DOUBLE(it)`",
            "boolean" => "; turn it into one: `TO_INTEGER(it)`",
            _ => return Ok(at),
        };
        let text = format!("`{name}` is of type {}, and no number{hint}", self.columns[at].1);
        Err(Reason::new(Cause::Invalid, text))
    }

    /// Every row, as long as there are columns.
    pub fn rows(&self) -> Result<Vec<&'a [Value]>, Reason> {
        let row =
            |row: &'a Value| row.as_array().map(Vec::as_slice).filter(|row| row.len() == self.columns.len());
        let rows: Option<Vec<_>> = self.values.iter().map(row).collect();
        rows.ok_or_else(|| malformed("a row that does not fit its columns"))
    }
}

/// A cell as a label.
pub fn label(cell: &Value) -> String {
    match cell {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The number in a cell; `None` for null. Several values are no number.
pub fn number(column: &str, cell: &Value) -> Result<Option<Number>, Reason> {
    match cell {
        Value::Null => Ok(None),
        Value::Number(number) => Ok(crate::checks::search::exact(number)),
        Value::Array(values) => {
            let text = format!(
                "`{column}` holds {} values in one row; take one of them, like `MV_MAX({column})`",
                values.len()
            );
            Err(Reason::new(Cause::Invalid, text))
        }
        _ => Err(Reason::new(Cause::Malformed, format!("`{column}` holds something that is no number"))),
    }
}

fn malformed(what: &str) -> Reason {
    Reason::new(Cause::Malformed, format!("the answer is no table: {what}"))
}
