//! The command line: `--name value` pairs.

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Display;
use std::str::FromStr;

/// The options that were given.
pub struct Options(HashMap<String, String>);

impl Options {
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut options = HashMap::new();
        while let Some(argument) = arguments.next() {
            let name = argument
                .strip_prefix("--")
                .ok_or_else(|| format!("{argument} is no option"))?;
            let value = arguments
                .next()
                .ok_or_else(|| format!("{argument} has no value"))?;
            options.insert(name.to_owned(), value);
        }
        Ok(Self(options))
    }

    pub fn text(&self, name: &str) -> Result<&str, String> {
        self.0
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| format!("--{name} is missing"))
    }

    pub fn number<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, String> {
        self.text(name)?
            .parse()
            .map_err(|error| format!("--{name}: {error}"))
    }

    pub fn number_or<T: FromStr<Err: Display>>(
        &self,
        name: &str,
        otherwise: T,
    ) -> Result<T, String> {
        if self.0.contains_key(name) {
            self.number(name)
        } else {
            Ok(otherwise)
        }
    }
}
