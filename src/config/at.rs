//! Parts of a form: a value that knows its place, and a key that may be either of two shapes.

use std::{borrow::Cow, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use super::{complaint::Complaint, place::Place, read::AT};

/// A value and where it was written, for mistakes that only meaning shows.
#[derive(Clone, Debug, PartialEq)]
pub struct At<T> {
    pub value: T,
    pub place: Place,
}

impl<T> At<T> {
    pub fn error(&self, text: impl AsRef<str>) -> Complaint {
        Complaint::error(text).at(self.place)
    }

    pub fn warning(&self, text: impl AsRef<str>) -> Complaint {
        Complaint::warning(text).at(self.place)
    }
}

/// For the defaults that schemas show.
impl<T: serde::Serialize> serde::Serialize for At<T> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(to)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_tuple_struct(AT, 4, AtVisitor(PhantomData))
    }
}

struct AtVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> de::Visitor<'de> for AtVisitor<T> {
    type Value = At<T>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a value with its place")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut from: A) -> Result<At<T>, A::Error> {
        let missing = || de::Error::custom("a place has three parts and a value");
        let source = from.next_element()?.ok_or_else(missing)?;
        let start = from.next_element()?.ok_or_else(missing)?;
        let len = from.next_element()?.ok_or_else(missing)?;
        let value = from.next_element()?.ok_or_else(missing)?;
        Ok(At { value, place: Place { source, start, len } })
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A short text, or the long form that it stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum TextOr<T> {
    Text(String),
    Long(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for TextOr<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TextOrVisitor(PhantomData))
    }
}

/// The one visitor behind every key that may be either.
struct TextOrVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> de::Visitor<'de> for TextOrVisitor<T> {
    type Value = TextOr<T>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a text or its long form")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<TextOr<T>, E> {
        Ok(TextOr::Text(text.to_owned()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<TextOr<T>, E> {
        Ok(TextOr::Text(number.to_string()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<TextOr<T>, E> {
        Ok(TextOr::Text(number.to_string()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<TextOr<T>, E> {
        Ok(TextOr::Text(number.to_string()))
    }

    fn visit_unit<E: de::Error>(self) -> Result<TextOr<T>, E> {
        Err(E::custom("a value is missing here; write one, or leave the key out"))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, from: A) -> Result<TextOr<T>, A::Error> {
        T::deserialize(de::value::SeqAccessDeserializer::new(from)).map(TextOr::Long)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, from: A) -> Result<TextOr<T>, A::Error> {
        T::deserialize(de::value::MapAccessDeserializer::new(from)).map(TextOr::Long)
    }
}

impl<T: JsonSchema> JsonSchema for TextOr<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}OrText", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let long = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [{ "type": "string" }, long] })
    }
}
