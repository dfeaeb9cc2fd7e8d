//! The bill of materials: every crate with version, licence and checksum, as `CycloneDX` 1.5 in JSON.
//!
//! The same input gives the same bytes: there is no serial number, and the time is that of the source.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::crates::{Crate, Crates};

/// Writes the bill.
pub(crate) fn json(crates: &Crates, built: Timestamp) -> serde_json::Result<String> {
    let mut components: Vec<Value> = crates.others.iter().map(component).collect();
    components.push(standard_library(&crates.compiler));
    let all = std::iter::once(&crates.program).chain(&crates.others);
    let dependencies: Vec<Value> = all.map(dependency).collect();
    let bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": built.to_string(),
            "component": {
                "type": "application",
                "bom-ref": reference(&crates.program.name, &crates.program.version),
                "name": crates.program.name,
                "version": crates.program.version,
                "purl": reference(&crates.program.name, &crates.program.version),
                "licenses": [{ "expression": crates.program.licence }],
            },
        },
        "components": components,
        "dependencies": dependencies,
    });
    serde_json::to_string_pretty(&bill).map(|text| text + "\n")
}

fn component(each: &Crate) -> Value {
    let hashes: Vec<Value> = each.checksum.iter().map(|sum| json!({ "alg": "SHA-256", "content": sum })).collect();
    let sources: Vec<Value> = each.repository.iter().map(|url| json!({ "type": "vcs", "url": url })).collect();
    json!({
        "type": "library",
        "bom-ref": reference(&each.name, &each.version),
        "name": each.name,
        "version": each.version,
        // What only takes part in the build is not in the program.
        "scope": if each.linked { "required" } else { "excluded" },
        "hashes": hashes,
        "licenses": [{ "expression": each.licence }],
        "purl": reference(&each.name, &each.version),
        "externalReferences": sources,
    })
}

fn standard_library(compiler: &str) -> Value {
    json!({
        "type": "library",
        "bom-ref": "rust-std",
        "name": "rust-std",
        "version": compiler.split_whitespace().nth(1).unwrap_or("unknown"),
        "description": format!("The standard library of {compiler}"),
        "scope": "required",
        "licenses": [{ "expression": "MIT OR Apache-2.0" }],
    })
}

fn dependency(each: &Crate) -> Value {
    let mut needs: Vec<String> = each.needs.iter().map(|(name, version)| reference(name, version)).collect();
    needs.sort();
    json!({ "ref": reference(&each.name, &each.version), "dependsOn": needs })
}

fn reference(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}
