//! Nothing but its manifest: every crate of the workspace depends on it, so that cargo gives what they share one set of
//! features, whichever of them is built (a *workspace-hack* crate, as cargo-hakari makes them).
