//! What bindings/rust/generate runs: `write` makes cqueue-sys/src/bindings.rs from cqueue.h, `check` compares them and writes
//! nothing.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

fn generate(header: &Path) -> Result<String, Box<dyn Error>> {
    let bindings = bindgen::Builder::default()
        .header(header.to_str().ok_or("the path of cqueue.h is not UTF-8")?)
        .raw_line("// Made from cqueue.h by bindings/rust/generate: do not edit.")
        .raw_line("#![allow(non_camel_case_types)]")
        .disable_header_comment()
        .rust_target(bindgen::RustTarget::stable(85, 0).map_err(|error| error.to_string())?)
        .rust_edition(bindgen::RustEdition::Edition2024)
        .use_core()
        .allowlist_item("(cq|CQ)_.*")
        .blocklist_item("CQ_API") // how C exports it
        .generate_cstr(true)
        .size_t_is_usize(true)
        .formatter(bindgen::Formatter::Prettyplease)
        .generate()?;
    Ok(bindings.to_string())
}

fn run(verb: &str) -> Result<(), Box<dyn Error>> {
    let sys = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("cqueue-sys");
    let made = generate(&sys.join("c/include/cqueue.h"))?;
    let file = sys.join("src/bindings.rs");
    match verb {
        "write" => fs::write(file, made)?,
        "check" if fs::read_to_string(&file)? != made => {
            return Err("bindings/rust/cqueue-sys/src/bindings.rs is old: run bindings/generate rust".into());
        }
        "check" => {}
        _ => return Err("usage: cargo run -p xtask -- write | check".into()),
    }
    Ok(())
}

fn main() -> ExitCode {
    match run(&env::args().nth(1).unwrap_or_default()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
