//! What kind of engine a test wants, in its own words.

use std::path::PathBuf;

/// The engines that are tested. `HIGHWATER_TEST_ENGINE` chooses the one that a run is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    Elasticsearch7,
    Elasticsearch8,
    Elasticsearch9,
    OpenSearch2,
}

impl Product {
    const ALL: [Product; 4] =
        [Product::Elasticsearch7, Product::Elasticsearch8, Product::Elasticsearch9, Product::OpenSearch2];

    pub fn chosen() -> Product {
        let Ok(name) = std::env::var("HIGHWATER_TEST_ENGINE") else { return Product::Elasticsearch8 };
        let found = Product::ALL.into_iter().find(|product| product.name() == name);
        found.unwrap_or_else(|| panic!("HIGHWATER_TEST_ENGINE is `{name}`, which is none of the engines"))
    }

    /// The name that `scripts/fetch-engine` knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Product::Elasticsearch7 => "elasticsearch-7.17.29",
            Product::Elasticsearch8 => "elasticsearch-8.19.16",
            Product::Elasticsearch9 => "elasticsearch-9.2.0",
            Product::OpenSearch2 => "opensearch-2.19.1",
        }
    }

    pub fn version(self) -> &'static str {
        self.name().split_once('-').expect("names are product-version").1
    }

    pub fn is_opensearch(self) -> bool {
        self == Product::OpenSearch2
    }

    pub(super) fn java(self) -> &'static str {
        if self == Product::Elasticsearch9 { "--jdk21" } else { "--jdk17" }
    }
}

/// One cluster to start.
#[derive(Debug, Clone)]
pub struct Spec {
    pub product: Product,
    pub nodes: Vec<NodeSpec>,
    /// `None`: plain HTTP, everybody may do everything.
    pub security: Option<Security>,
    /// Further lines for every node's configuration file: `("cluster.info.update.interval", "10s")`.
    pub settings: Vec<(String, String)>,
    pub heap_mb: u32,
}

impl Spec {
    pub fn nodes(count: usize) -> Spec {
        Spec {
            product: Product::chosen(),
            nodes: vec![NodeSpec::default(); count],
            security: None,
            settings: Vec::new(),
            heap_mb: 256,
        }
    }

    pub fn one_node() -> Spec {
        Spec::nodes(1)
    }

    pub fn three_nodes() -> Spec {
        Spec::nodes(3)
    }

    pub fn of(nodes: Vec<NodeSpec>) -> Spec {
        Spec { nodes, ..Spec::nodes(0) }
    }

    pub fn secured(self, security: Security) -> Spec {
        Spec { security: Some(security), ..self }
    }

    pub fn setting(mut self, key: &str, value: &str) -> Spec {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }
}

/// One node; they are called n1, n2, n3.
#[derive(Debug, Clone, Default)]
pub struct NodeSpec {
    /// `None`: the engine's default, which is every role.
    pub roles: Option<Vec<&'static str>>,
    /// Where it keeps its shards (a tmpfs, say); `None`: a folder of its own.
    pub data_path: Option<PathBuf>,
    pub settings: Vec<(String, String)>,
}

impl NodeSpec {
    pub fn roles(roles: &[&'static str]) -> NodeSpec {
        NodeSpec { roles: Some(roles.to_vec()), ..NodeSpec::default() }
    }

    pub fn data_path(self, path: impl Into<PathBuf>) -> NodeSpec {
        NodeSpec { data_path: Some(path.into()), ..self }
    }

    pub fn setting(mut self, key: &str, value: &str) -> NodeSpec {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }
}

/// TLS and users. The administrator is always there: `elastic` with [`super::ADMIN_PASSWORD`].
#[derive(Debug, Clone, Default)]
pub struct Security {
    /// The content of `roles.yml`.
    pub roles_yml: String,
    pub users: Vec<User>,
    /// Whether a client must show a certificate that the engine's own CA has signed.
    pub client_certificate_required: bool,
}

#[derive(Debug, Clone)]
pub struct User {
    pub name: String,
    pub password: String,
    pub roles: Vec<String>,
}

impl Security {
    pub fn roles(roles_yml: &str) -> Security {
        Security { roles_yml: roles_yml.to_owned(), ..Security::default() }
    }

    pub fn user(mut self, name: &str, password: &str, roles: &[&str]) -> Security {
        let roles = roles.iter().map(ToString::to_string).collect();
        self.users.push(User { name: name.to_owned(), password: password.to_owned(), roles });
        self
    }
}
