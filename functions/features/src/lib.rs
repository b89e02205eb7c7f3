//! Nothing but dependencies, so that all functions have one set of features.
//!
//! `sam build` builds each function alone, and Cargo gives its dependencies the features that this function asks for:
//! without this crate the AWS SDK and the Temporal SDK would be compiled several times. What a function does not use is
//! not in its program. A test in `shared-features` fails when the functions differ.
