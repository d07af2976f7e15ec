//! Builds the C core that this crate carries, or finds the installed one (feature `system`).

use std::path::{Path, PathBuf};
use std::{env, fs, process};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os("DOCS_RS").is_some() {
        return; // nothing is linked there
    }
    let target = env::var("CARGO_CFG_TARGET_OS").expect("cargo sets the target");
    assert!(target == "linux", "cqueue runs on Linux, the target here is {target}");

    if env::var_os("CARGO_FEATURE_SYSTEM").is_some() {
        find_installed();
    } else {
        build();
    }
}

fn find_installed() {
    // A minor version may add functions, a patch adds none: any library of this minor version has all that is declared.
    let part = |name| env::var(name).expect("cargo sets the version");
    let major: u32 = part("CARGO_PKG_VERSION_MAJOR").parse().expect("a number");
    let version = format!("{major}.{}", part("CARGO_PKG_VERSION_MINOR"));
    let next = (major + 1).to_string();
    let library = match pkg_config::Config::new().range_version(version.as_str()..next.as_str()).probe("cqueue") {
        Ok(library) => library,
        Err(error) => {
            eprintln!("{error}");
            eprintln!("The feature `system` needs the installed library, cqueue {version} or later.");
            eprintln!("Install it, set PKG_CONFIG_PATH to where its cqueue.pc is, or leave the feature out.");
            process::exit(1);
        }
    };
    if let Some(include) = library.include_paths.first() {
        println!("cargo:include={}", include.display());
    }
}

/// One translation unit, as the core's own build has it: calls between its files are inlined.
fn build() {
    let core = Path::new(&env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("c");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let include = core.join("include");
    let source = core.join("src");

    let mut files: Vec<_> = fs::read_dir(&source)
        .unwrap_or_else(|error| panic!("the core's sources are not at {}: {error}", source.display()))
        .map(|entry| entry.expect("a folder can be read to its end").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .collect();
    files.sort();
    let unit: String = files.iter().map(|path| format!("#include \"{}\"\n", path.display())).collect();
    let unit_path = out.join("cqueue_unit.c");
    fs::write(&unit_path, unit).expect("cargo's OUT_DIR can be written");

    cc::Build::new()
        .file(&unit_path)
        .include(&include)
        .include(&source)
        .define("_GNU_SOURCE", None)
        .std("c11")
        .flag("-pthread")
        .flag("-fvisibility=hidden")
        .compile("cqueue");

    println!("cargo:rustc-link-lib=pthread");
    println!("cargo:rerun-if-changed={}", source.display());
    println!("cargo:rerun-if-changed={}", include.join("cqueue.h").display());
    println!("cargo:include={}", include.display());
}
