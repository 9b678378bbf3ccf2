//! The providers, running once for all tests of a run: to start Azure's for each would be most of what mocked tests do.
//! Mocks never configure a provider, so it does not matter who else is attached.

use std::{process::Command, slice};

use maily_testkit::{Provider, cache};
use maily_tests::shared::Fixture;

/// Azure's real provider; as its state, what [`attached`] takes.
pub static AZURERM: Fixture<String> = Fixture::new("azurerm", "keep_the_azure_provider");
/// The stubs of AWS' and Google's.
pub static STUBS: Fixture<String> = Fixture::new("provider-stubs", "keep_the_provider_stubs");

/// The body of the ignored test `keep_the_azure_provider`.
///
/// # Panics
/// The provider is not there.
pub fn keep_azurerm() {
    AZURERM.keep(|| {
        let provider = Provider::start(&cache::needed(cache::azurerm()), &collects_less()).unwrap();
        (Provider::attach(slice::from_ref(&provider)), provider)
    });
}

/// The body of the ignored test `keep_the_provider_stubs`.
///
/// # Panics
/// They are not there.
pub fn keep_stubs() {
    STUBS.keep(|| {
        let program = cache::needed(cache::terraform_stubs());
        let providers = ["aws", "google"].map(|provider| {
            let schema = cache::needed(cache::terraform_schema(provider));
            Provider::start(&program, &[("STUB_SCHEMA", schema.display().to_string())]).unwrap()
        });
        (Provider::attach(&providers), providers)
    });
}

/// A command whose Terraform attaches to these, and starts no other.
pub fn attached<'a>(command: &'a mut Command, providers: &str) -> &'a mut Command {
    command.env(Provider::ATTACH, providers)
}

/// Go collects garbage less often: memory is there, processors are not.
#[must_use]
pub fn collects_less() -> [(&'static str, String); 1] {
    [("GOGC", "400".to_owned())]
}
