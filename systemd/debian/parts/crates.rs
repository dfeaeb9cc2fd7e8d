//! The crates that the program for one target is made of, as `cargo metadata` and the lock file tell them.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// The crates of a program for one target.
pub(crate) struct Crates {
    /// Our own.
    pub(crate) program: Crate,
    /// The others, sorted by name and version.
    pub(crate) others: Vec<Crate>,
    /// What the compiler says of itself; its standard library is linked in as well.
    pub(crate) compiler: String,
}

/// One crate.
pub(crate) struct Crate {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Licences as an SPDX expression.
    pub(crate) licence: String,
    pub(crate) authors: Vec<String>,
    pub(crate) repository: Option<String>,
    /// Whether it is linked into the program; else it is only used to build it (procedural macros, build scripts).
    pub(crate) linked: bool,
    /// SHA-256 of what was published.
    pub(crate) checksum: Option<String>,
    /// What it is made with, by name and version.
    pub(crate) needs: Vec<(String, String)>,
    pub(crate) folder: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    authors: Vec<String>,
    repository: Option<String>,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
    root: String,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Need>,
}

#[derive(Deserialize)]
struct Need {
    pkg: String,
    dep_kinds: Vec<NeedKind>,
}

#[derive(Deserialize)]
struct NeedKind {
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

impl Crates {
    /// Asks cargo about the project in `home`, for one target, and reads its lock file.
    pub(crate) fn read(home: &Path, target: &str) -> Result<Self, Box<dyn Error>> {
        let arguments = ["metadata", "--locked", "--format-version", "1", "--filter-platform", target];
        let metadata: Metadata = serde_json::from_slice(&said(home, "CARGO", "cargo", &arguments)?)?;
        let lock: Lock = toml::from_str(&std::fs::read_to_string(home.join("Cargo.lock"))?)?;
        let compiler = String::from_utf8(said(home, "RUSTC", "rustc", &["--version"])?)?;
        let mut found = metadata.into_crates(&lock)?;
        let place = found.iter().position(|each| each.name == env!("CARGO_PKG_NAME"));
        let program = found.remove(place.ok_or("cargo does not know the program")?);
        Ok(Self { program, others: found, compiler: compiler.trim().to_owned() })
    }
}

/// Runs a tool and returns what it says; the variable names another one in its place.
fn said(home: &Path, variable: &str, tool: &str, arguments: &[&str]) -> Result<Vec<u8>, Box<dyn Error>> {
    let tool = std::env::var(variable).unwrap_or_else(|_| tool.to_owned());
    let output = Command::new(&tool).args(arguments).current_dir(home).output()?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(format!("{tool} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()).into())
    }
}

impl Metadata {
    fn into_crates(self, lock: &Lock) -> Result<Vec<Crate>, Box<dyn Error>> {
        let packages: BTreeMap<&str, &Package> = self.packages.iter().map(|each| (each.id.as_str(), each)).collect();
        let (linked, used) = self.resolve.reach(&packages);
        let named = |id: &str| packages.get(id).map(|package| (package.name.clone(), package.version.clone()));
        let mut crates = Vec::new();
        for node in self.resolve.nodes.iter().filter(|node| used.contains(node.id.as_str())) {
            let package = packages.get(node.id.as_str()).ok_or("cargo names a crate that it does not describe")?;
            let locked = lock.package.iter().find(|each| each.name == package.name && each.version == package.version);
            let licence = package.license.clone().ok_or_else(|| format!("{} names no licence", package.name))?;
            let needs = node.deps.iter().filter(|need| !need.is_for_tests()).filter_map(|need| named(&need.pkg));
            crates.push(Crate {
                name: package.name.clone(),
                version: package.version.clone(),
                // The old way to write a choice.
                licence: licence.replace(" / ", "/").replace('/', " OR "),
                authors: package.authors.clone(),
                repository: package.repository.clone(),
                linked: linked.contains(node.id.as_str()),
                checksum: locked.and_then(|locked| locked.checksum.clone()),
                needs: needs.collect(),
                folder: package.manifest_path.parent().unwrap_or(Path::new("/")).to_owned(),
            });
        }
        crates.sort_by(|one, other| (&one.name, &one.version).cmp(&(&other.name, &other.version)));
        Ok(crates)
    }
}

impl Need {
    fn is(&self, kind: Option<&str>) -> bool {
        self.dep_kinds.iter().any(|each| each.kind.as_deref() == kind)
    }

    fn is_for_tests(&self) -> bool {
        self.dep_kinds.iter().all(|each| each.kind.as_deref() == Some("dev"))
    }
}

impl Resolve {
    /// Returns what is linked into the program, and all that is used to make it.
    fn reach<'a>(&'a self, packages: &BTreeMap<&str, &Package>) -> (BTreeSet<&'a str>, BTreeSet<&'a str>) {
        let is_macro = |id: &str| {
            let kinds = packages.get(id).into_iter().flat_map(|package| &package.targets).flat_map(|each| &each.kind);
            kinds.into_iter().any(|kind| kind == "proc-macro")
        };
        let linked = self.walk(|need| need.is(None) && !is_macro(&need.pkg));
        let used = self.walk(|need| !need.is_for_tests());
        (linked, used)
    }

    fn walk(&self, follow: impl Fn(&Need) -> bool) -> BTreeSet<&str> {
        let nodes: BTreeMap<&str, &Node> = self.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        let (mut seen, mut next) = (BTreeSet::new(), vec![self.root.as_str()]);
        while let Some(id) = next.pop() {
            if seen.insert(id) {
                let needs = nodes.get(id).into_iter().flat_map(|node| &node.deps);
                next.extend(needs.filter(|need| follow(need)).map(|need| need.pkg.as_str()));
            }
        }
        seen
    }
}
