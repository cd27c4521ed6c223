//! From a [`Node`] to a type: serde over what was written, with the place of every mistake.

use serde::{
    Deserialize,
    de::{self, DeserializeSeed, IntoDeserializer, Visitor, value::U32Deserializer},
};

use super::{
    complaint::Complaint,
    node::{Key, Node, Seen, Value},
    wrong::{Step, Wrong},
};

/// The name by which [`super::at::At`] asks for its place.
pub const AT: &str = "$At";

/// Reads a node as a `T`; a complaint points at the innermost part that is wrong.
pub fn read<'de, T: Deserialize<'de>>(node: &'de Node) -> Result<T, Complaint> {
    T::deserialize(node).map_err(|wrong| wrong.complaint)
}

type Outcome<T> = Result<T, Wrong>;

impl<'de> IntoDeserializer<'de, Wrong> for &'de Node {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl Node {
    fn text(&self) -> Outcome<&str> {
        match &self.value {
            Value::Scalar { seen: Seen::Nothing | Seen::Null, .. } => Err(Wrong::expected("a text", self)),
            Value::Scalar { text, .. } => Ok(text),
            _ => Err(Wrong::expected("a text", self)),
        }
    }

    fn visit_number<'de, V: Visitor<'de>>(&self, whole: bool, visitor: V) -> Outcome<V::Value> {
        let what = if whole { "a whole number" } else { "a number" };
        let Value::Scalar { text, seen } = &self.value else { return Err(Wrong::expected(what, self)) };
        let outcome = match seen {
            Seen::Int(number) => visitor.visit_i64(*number),
            Seen::Uint(number) => visitor.visit_u64(*number),
            Seen::Float(number) if !whole => visitor.visit_f64(*number),
            Seen::Any => match text.replace('_', "").parse::<i64>() {
                Ok(number) => visitor.visit_i64(number),
                Err(_) => return Err(Wrong::expected(what, self)),
            },
            _ => return Err(Wrong::expected(what, self)),
        };
        outcome.map_err(|wrong: Wrong| wrong.at(self))
    }
}

impl<'de> de::Deserializer<'de> for &'de Node {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        let outcome = match &self.value {
            Value::Scalar { text, seen } => match seen {
                Seen::Nothing | Seen::Null => visitor.visit_unit(),
                Seen::Bool(value) => visitor.visit_bool(*value),
                Seen::Int(value) => visitor.visit_i64(*value),
                Seen::Uint(value) => visitor.visit_u64(*value),
                Seen::Float(value) => visitor.visit_f64(*value),
                Seen::Text | Seen::Any => visitor.visit_borrowed_str(text),
            },
            Value::List(items) => visitor.visit_seq(Items { items, next: 0 }),
            Value::Map(entries) => visitor.visit_map(Entries { entries, next: 0 }),
        };
        outcome.map_err(|wrong: Wrong| wrong.at(self))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        visitor.visit_borrowed_str(self.text()?).map_err(|wrong: Wrong| wrong.at(self))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        match &self.value {
            Value::Scalar { seen: Seen::Bool(value), .. } => visitor.visit_bool(*value),
            Value::Scalar { seen: Seen::Any, text } if text == "true" => visitor.visit_bool(true),
            Value::Scalar { seen: Seen::Any, text } if text == "false" => visitor.visit_bool(false),
            _ => Err(Wrong::expected("`true` or `false`", self)),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.visit_number(true, visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.visit_number(true, visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.visit_number(true, visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.visit_number(true, visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.visit_number(false, visitor)
    }

    /// A key without a value is a mistake, not a missing key.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        match &self.value {
            Value::Scalar { seen: Seen::Null, .. } => visitor.visit_none(),
            Value::Scalar { seen: Seen::Nothing, .. } => {
                Err(Wrong::new(Complaint::error("a value is missing here; write one, or leave the key out"))
                    .at(self))
            }
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        match &self.value {
            Value::List(_) => self.deserialize_any(visitor),
            Value::Scalar { text, seen: Seen::Text | Seen::Any } if text.len() <= 40 => {
                Err(Wrong::new(Complaint::error(format!("expected a list; write `[{text}]`"))).at(self))
            }
            _ => Err(Wrong::expected("a list", self)),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        match &self.value {
            Value::Map(_) => self.deserialize_any(visitor),
            _ => Err(Wrong::expected("a map of keys and values", self)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Outcome<V::Value> {
        if self.is_nothing() {
            return Err(Wrong::new(Complaint::error("a value is missing here; write at least `{}`")).at(self));
        }
        self.deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Outcome<V::Value> {
        visitor.visit_newtype_struct(self).map_err(|wrong: Wrong| wrong.at(self))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Outcome<V::Value> {
        if name == AT {
            visitor.visit_seq(Placed { node: self, given: 0 })
        } else {
            self.deserialize_seq(visitor)
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Outcome<V::Value> {
        let outcome = match &self.value {
            Value::Scalar { text, seen: Seen::Text | Seen::Any } => {
                visitor.visit_enum(IntoDeserializer::<Wrong>::into_deserializer(text.as_str()))
            }
            Value::Map(entries) => match entries.as_slice() {
                [(key, value)] => visitor.visit_enum(Variant { key, value }),
                [_, (second, _), ..] => {
                    let message =
                        format!("exactly one kind is wanted here, `{}` is one too many", second.text);
                    Err(Wrong::new(Complaint::error(message).at(second.place)))
                }
                [] => Err(Wrong::expected(&one_of(variants), self)),
            },
            _ => Err(Wrong::expected(&one_of(variants), self)),
        };
        outcome.map_err(|wrong: Wrong| wrong.at(self))
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u128 f32 bytes byte_buf unit unit_struct tuple ignored_any
    }
}

fn one_of(variants: &[&str]) -> String {
    let all: Vec<String> = variants.iter().map(|variant| format!("`{variant}`")).collect();
    format!("one of {}", all.join(", "))
}

struct Items<'de> {
    items: &'de [Node],
    next: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Outcome<Option<T::Value>> {
        let Some(item) = self.items.get(self.next) else { return Ok(None) };
        let step = Step::Item(self.next);
        self.next += 1;
        seed.deserialize(item).map(Some).map_err(|wrong| wrong.at(item).below(step))
    }
}

struct Entries<'de> {
    entries: &'de [(Key, Node)],
    next: usize,
}

impl<'de> de::MapAccess<'de> for Entries<'de> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Outcome<Option<K::Value>> {
        let Some((key, _)) = self.entries.get(self.next) else { return Ok(None) };
        let text = de::value::BorrowedStrDeserializer::new(&key.text);
        let step = Step::Entry(self.next);
        seed.deserialize(text).map(Some).map_err(|wrong: Wrong| wrong.placed(key.place).below(step))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Outcome<V::Value> {
        let entry = self.entries.get(self.next);
        let (_, value) = entry.ok_or_else(|| Wrong::new(Complaint::error("a value without its key")))?;
        let step = Step::Entry(self.next);
        self.next += 1;
        seed.deserialize(value).map_err(|wrong| wrong.at(value).below(step))
    }
}

/// The source, start and length of a node, then the node.
struct Placed<'de> {
    node: &'de Node,
    given: u8,
}

impl<'de> de::SeqAccess<'de> for Placed<'de> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Outcome<Option<T::Value>> {
        let place = self.node.head();
        self.given += 1;
        let part = match self.given {
            1 => place.source,
            2 => place.start,
            3 => place.len,
            _ => return seed.deserialize(self.node).map(Some),
        };
        seed.deserialize(U32Deserializer::new(part)).map(Some)
    }
}

struct Variant<'de> {
    key: &'de Key,
    value: &'de Node,
}

impl<'de> de::EnumAccess<'de> for Variant<'de> {
    type Error = Wrong;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Outcome<(V::Value, Self)> {
        let name = de::value::BorrowedStrDeserializer::new(&self.key.text);
        match seed.deserialize(name) {
            Ok(variant) => Ok((variant, self)),
            Err(wrong) => Err(Wrong::placed(wrong, self.key.place)),
        }
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'de> {
    type Error = Wrong;

    fn unit_variant(self) -> Outcome<()> {
        if matches!(&self.value.value, Value::Map(entries) if entries.is_empty()) {
            return Ok(());
        }
        Err(Wrong::new(Complaint::error(format!("`{}` takes no keys; write `{{}}`", self.key.text)))
            .at(self.value))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Outcome<T::Value> {
        let wrong = |wrong: Wrong| wrong.placed(self.key.place).below(Step::Kind);
        seed.deserialize(self.value).map_err(wrong)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Outcome<V::Value> {
        de::Deserializer::deserialize_seq(self.value, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Outcome<V::Value> {
        de::Deserializer::deserialize_struct(self.value, "", fields, visitor)
    }
}
