//! What `highwater setup` makes in a cluster: the place of a history. Done twice, it changes nothing the second time.

use serde_json::{Value, json};

use crate::{
    elastic::Elastic,
    model::{Cause, Reason},
    sinks::history,
};

/// What has to be known of templates.
const TEMPLATES: &str = "index_templates.name,index_templates.index_template.data_stream,\
                         index_templates.index_template.template.mappings";

/// What was done, or would be, to one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    pub what: String,
    pub how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Made,
    /// Its mappings were older.
    Renewed,
    /// It is as it should be.
    There,
}

/// The place of one history.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub door: &'a Elastic,
    /// The data stream's name.
    pub name: &'a str,
    /// Only look.
    pub dry_run: bool,
}

impl Place<'_> {
    /// Template and data stream; a plain index where the cluster has no data streams.
    pub async fn set_up(&self) -> Result<Vec<Done>, Reason> {
        let name = self.name;
        let streams = self.door.get(&format!("/_data_stream/{name}*"), "data_streams.name").await;
        let streams = match streams {
            Err(reason) if reason.cause == Cause::Unsupported => return Ok(vec![self.plain_index().await?]),
            found => found?,
        };
        let mut done = vec![self.template().await?];
        if named(&streams["data_streams"], name).is_some() {
            done.push(self.mappings(format!("data stream `{name}`")).await?);
        } else {
            self.put(&format!("/_data_stream/{name}"), &json!({})).await?;
            done.push(Done { what: format!("data stream `{name}`"), how: How::Made });
        }
        Ok(done)
    }

    async fn template(&self) -> Result<Done, Reason> {
        let (name, ours) = (self.name, history::template(self.name));
        let path = format!("/_index_template/{name}");
        // all of them: one that is asked for by name and is not there looks like an API that is not there
        let found = self.door.get("/_index_template", TEMPLATES).await?;
        let theirs = named(&found["index_templates"], name).map(|one| &one["index_template"]);
        let how = match theirs {
            Some(theirs) if is_same(&theirs["template"]["mappings"]) && is_stream(theirs) => How::There,
            Some(_) => How::Renewed,
            None => How::Made,
        };
        if how != How::There {
            self.put(&path, &ours).await?;
        }
        Ok(Done { what: format!("index template `{name}`"), how })
    }

    async fn plain_index(&self) -> Result<Done, Reason> {
        let name = self.name;
        let what =
            format!("plain index `{name}`, for this cluster has no data streams; nothing rolls it over");
        match self.door.get(&format!("/{name}/_mapping"), "*.mappings").await {
            Err(reason) if reason.cause == Cause::Missing => {
                let index = json!({ "settings": history::settings(), "mappings": history::mappings() });
                self.put(&format!("/{name}"), &index).await?;
                Ok(Done { what, how: How::Made })
            }
            Err(reason) => Err(reason),
            Ok(_) => self.mappings(what).await,
        }
    }

    /// Fields that an older version did not have are added.
    async fn mappings(&self, what: String) -> Result<Done, Reason> {
        let path = format!("/{}/_mapping", self.name);
        let found = self.door.get(&path, "*.mappings").await?;
        let same = found.as_object().is_some_and(|all| all.values().all(|one| is_same(&one["mappings"])));
        if same {
            return Ok(Done { what, how: How::There });
        }
        self.put(&path, &history::mappings()).await?;
        Ok(Done { what, how: How::Renewed })
    }

    async fn put(&self, path: &str, body: &Value) -> Result<(), Reason> {
        if self.dry_run {
            return Ok(());
        }
        self.door.put(path, body).await.map(drop)
    }
}

fn named<'a>(all: &'a Value, name: &str) -> Option<&'a Value> {
    all.as_array()?.iter().find(|one| one["name"] == name)
}

fn is_same(mappings: &Value) -> bool {
    let ours = history::mappings();
    mappings["dynamic"] == "strict" && sorted(&mappings["properties"]) == sorted(&ours["properties"])
}

/// Engines give fields back in an order of their own.
fn sorted(properties: &Value) -> Vec<(String, String)> {
    let field = |(name, field): (&String, &Value)| {
        let mut parts: Vec<String> =
            field.as_object().into_iter().flatten().map(|(key, value)| format!("{key}={value}")).collect();
        parts.sort();
        (name.clone(), parts.join(" "))
    };
    let mut fields: Vec<_> = properties.as_object().into_iter().flatten().map(field).collect();
    fields.sort();
    fields
}

fn is_stream(template: &Value) -> bool {
    template["data_stream"].is_object()
}
