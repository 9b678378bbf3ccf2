//! The target folder is one clone's at a time: held from before the first build until nothing built is run any more.

use std::{
    fs::File,
    sync::{Mutex, PoisonError},
};

use crate::{
    freshness,
    shell::{Result, root, target_dir},
};

static HELD: Mutex<Option<File>> = Mutex::new(None);

/// Takes the target folder, and puts the sources' times in order: another clone may have built since `xtask` did that.
pub(crate) fn take() -> Result<()> {
    let held = freshness::hold(&root(), &target_dir())?;
    freshness::settle(&root(), &target_dir())?;
    *HELD.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
    Ok(())
}

/// Gives it up, if it is held.
pub(crate) fn give_up() {
    if let Some(held) = HELD.lock().unwrap_or_else(PoisonError::into_inner).take() {
        freshness::built(&target_dir());
        drop(held);
    }
}
