//! Ways to bring a cluster into a state, and back out of it.

use serde_json::{Value, json};

use super::Engine;

impl Engine {
    /// Red within a second: an index whose only shard may live nowhere.
    pub async fn make_red(&self, index: &str) {
        let settings = json!({
            "index.number_of_shards": 1,
            "index.number_of_replicas": 0,
            "index.routing.allocation.require.box": "none",
        });
        self.put(&format!("/{index}?wait_for_active_shards=0"), json!({ "settings": settings })).await;
        self.wait_for("red").await;
    }

    /// Lets the shard of [`Engine::make_red`] live.
    pub async fn heal_red(&self, index: &str) {
        let settings = json!({ "index.routing.allocation.require.box": null });
        self.put(&format!("/{index}/_settings"), settings).await;
    }

    /// Yellow on one node: an index that asks for a second copy.
    pub async fn make_yellow(&self, index: &str) {
        let settings = json!({ "index.number_of_shards": 1, "index.number_of_replicas": 1 });
        self.put(&format!("/{index}"), json!({ "settings": settings })).await;
        self.wait_for("yellow").await;
    }

    /// Takes the second copy of [`Engine::make_yellow`] back.
    pub async fn heal_yellow(&self, index: &str) {
        self.put(&format!("/{index}/_settings"), json!({ "index.number_of_replicas": 0 })).await;
    }

    /// An index of two shards of which one node holds one: searches answer 200 with real numbers missing.
    /// Takes mappings, as the body of an index creation does.
    pub async fn make_partial(&self, index: &str, mappings: Value) {
        let settings = json!({
            "index.number_of_shards": 2,
            "index.number_of_replicas": 0,
            "index.routing.allocation.total_shards_per_node": 1,
        });
        let body = json!({ "settings": settings, "mappings": mappings });
        self.put(&format!("/{index}?wait_for_active_shards=0"), body).await;
        self.wait_for_shards(index, 1).await;
    }

    /// Lets both shards of [`Engine::make_partial`] live.
    pub async fn heal_partial(&self, index: &str) {
        let settings = json!({ "index.routing.allocation.total_shards_per_node": null });
        self.put(&format!("/{index}/_settings"), settings).await;
        self.wait_for_shards(index, 2).await;
    }

    async fn wait_for_shards(&self, index: &str, count: u64) {
        let path = format!("/_cluster/health/{index}?timeout=1s");
        self.poll(&format!("{count} active shards of {index}"), || async {
            let health = self.try_request("GET", &path, None).await;
            health.is_ok_and(|(_, health)| health["active_shards"] == count)
        })
        .await;
    }
}
