//! A closed set of kinds, made once for checks and once for sinks: a row per file, and everything else follows.

/// Makes the enum of a room's kinds, externally tagged: `{ storage: {…} }`.
///
/// Each kind is a struct with an `EXAMPLE` as a rule or settings file would have it; the struct *is* the check or the sink.
macro_rules! kinds {
    ($(#[$meta:meta])* $vis:vis enum $Kind:ident as dyn $Trait:ident by $into:ident {
        $($name:literal => $Variant:ident,)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        $vis enum $Kind {
            $(#[serde(rename = $name)] $Variant($Variant),)+
        }

        impl $Kind {
            /// Every kind's key and an example of it, in YAML.
            $vis const ALL: &[(&'static str, &'static str)] = &[$(($name, $Variant::EXAMPLE),)+];

            /// Its key in the file.
            $vis const fn name(&self) -> &'static str {
                match self {
                    $(Self::$Variant(_) => $name,)+
                }
            }

            $vis fn $into(self) -> std::sync::Arc<dyn $Trait> {
                match self {
                    $(Self::$Variant(kind) => std::sync::Arc::new(kind),)+
                }
            }
        }
    };
}

pub(crate) use kinds;

/// The names of a room's files, without `mod.rs`, `tests.rs` and folders: each has to have a row.
#[cfg(test)]
pub(crate) fn files_of(room: &str) -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room);
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut names: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| name != "mod" && name != "tests")
        .collect();
    names.sort_unstable();
    names
}
