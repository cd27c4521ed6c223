//! The numbers of one node's `/stats`: in groups, or flat with the same names, as the server's own stream has them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    checks::http::number_of,
    model::{Cause, Number, Reading, Reason, Unit, amount::Bytes, wording},
};

/// By names like `sys-drive-/-usage`.
pub struct Stats<'a>(BTreeMap<String, &'a Value>);

/// How deep groups may lie in each other.
const DEEPEST: usize = 8;

impl<'a> Stats<'a> {
    pub fn of(body: &'a Value) -> Self {
        let mut all = BTreeMap::new();
        flatten(String::new(), body, DEEPEST, &mut all);
        Self(all)
    }

    fn number(&self, name: &str) -> Result<Number, Reason> {
        let value = self.0.get(name);
        let value = value.ok_or_else(|| malformed(format!("its stats have no `{name}`")))?;
        number_of(value).ok_or_else(|| malformed(format!("`{name}` of its stats is no number")))
    }

    pub fn value(&self, name: &str) -> Result<Reading, Reason> {
        Ok(Reading::new(self.number(name)?, Unit::Count).fact("stat", name))
    }

    /// Servers on Windows have no load average.
    pub fn load(&self, cores: u32) -> Result<Reading, Reason> {
        let load = not_negative("sys-loadavg-1m", self.number("sys-loadavg-1m")?)?;
        let per_core = (load / f64::from(cores.max(1)) * 100.0).round() / 100.0;
        let number = Number::finite(per_core).ok_or_else(|| malformed("its load is no number".to_owned()))?;
        Ok(Reading::new(number, Unit::Count).fact("load", load).fact("cores", cores))
    }

    pub fn memory(&self, total: Option<Bytes>) -> Result<Reading, Reason> {
        let free = not_negative("sys-freeMem", self.number("sys-freeMem")?)?;
        let total = match total {
            Some(total) => total.0 as f64,
            None => self
                .number("sys-totalMem")
                .map_err(|_| {
                    malformed("its stats do not say how much memory it has; write `total_memory`".to_owned())
                })?
                .as_f64(),
        };
        used(total, free)
    }

    /// By drive.
    pub fn drives(&self) -> Result<Vec<(Option<String>, Reading)>, Reason> {
        let mut drives: Vec<&str> = self.0.keys().filter_map(|name| drive_of(name)).collect();
        drives.dedup();
        if drives.is_empty() {
            return Err(malformed("its stats name no drive".to_owned()));
        }
        drives.iter().map(|drive| Ok((Some(clean(drive)), self.drive(drive)?))).collect()
    }

    /// From bytes where they are; older servers round, and some write `"72%"`.
    fn drive(&self, drive: &str) -> Result<Reading, Reason> {
        let number = |what: &str| self.number(&format!("sys-drive-{drive}-{what}"));
        if let (Ok(total), Ok(free)) = (number("totalBytes"), number("availableBytes")) {
            return used(total.as_f64(), not_negative("availableBytes", free)?);
        }
        let usage = number("usage")?;
        not_negative("usage", usage)?;
        Ok(Reading::new(usage, Unit::Percent))
    }
}

fn drive_of(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("sys-drive-")?;
    let ends = ["-availableBytes", "-totalBytes", "-usage", "-usedBytes"];
    ends.iter().find_map(|end| rest.strip_suffix(end))
}

fn used(total: f64, free: f64) -> Result<Reading, Reason> {
    if total <= 0.0 || free > total {
        return Err(malformed(format!("{free} free of {total} bytes cannot be")));
    }
    let percent = ((total - free) / total * 1000.0).round() / 10.0;
    let percent = Number::finite(percent).ok_or_else(|| malformed("its stats are no numbers".to_owned()))?;
    Ok(Reading::new(percent, Unit::Percent).fact("free_bytes", free as u64).fact("total_bytes", total as u64))
}

fn not_negative(name: &str, number: Number) -> Result<f64, Reason> {
    let value = number.as_f64();
    if value < 0.0 { Err(malformed(format!("`{name}` of its stats is below zero"))) } else { Ok(value) }
}

fn flatten<'a>(name: String, value: &'a Value, deep: usize, all: &mut BTreeMap<String, &'a Value>) {
    let Value::Object(group) = value else {
        all.insert(name, value);
        return;
    };
    if deep == 0 {
        return;
    }
    for (key, value) in group {
        let name = if name.is_empty() { key.clone() } else { format!("{name}-{key}") };
        flatten(name, value, deep - 1, all);
    }
}

fn clean(text: &str) -> String {
    wording::cut(&wording::clean(text), 64)
}

fn malformed(text: String) -> Reason {
    Reason::new(Cause::Malformed, text)
}
