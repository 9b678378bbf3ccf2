//! The list of each contract's checks: a test for every one of them.

/// Makes a test of each check of a module; `$start` answers what the check is made on.
#[doc(hidden)]
#[macro_export]
macro_rules! checks {
    (@one $start:path, [$($module:ident)::+] $check:ident) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $check() {
            $crate::$($module)::+::$check(&$start().await).await;
        }
    };
    (@each $start:path, $module:tt $($check:ident)+) => {
        $($crate::checks!(@one $start, $module $check);)+
    };
    ($start:path, $($module:ident)::+: $($check:ident),+ $(,)?) => {
        $crate::checks!(@each $start, [$($module)::+] $($check)+);
    };
}

/// A test of every check of [`crate::compliance`].
#[macro_export]
macro_rules! compliance_suite {
    ($start:path) => {
        $crate::checks!($start, compliance::import:
            an_import_answers_its_rows,
            the_same_list_again_answers_as_the_first,
            a_faulty_list_is_refused_whole,
            a_refusal_does_not_wait_for_the_end_of_the_list,
            a_list_that_breaks_off_is_none,
            a_malformed_import_is_refused,
            a_disk_that_refuses_is_told_as_such,
        );
        $crate::checks!($start, compliance::summary:
            a_summary_adds_up,
            every_exclusion_is_counted,
            cohorts_come_by_name_with_the_pages_of_their_regions,
            a_list_may_have_nobody_to_write_to,
            invalid_rows_come_by_line_and_from_a_line_on,
            what_was_not_imported_is_not_found,
        );
        $crate::checks!($start, compliance::pages:
            every_recipient_is_on_one_page,
            keys_are_the_same_again_and_of_one_message,
            what_is_no_page_is_not_found,
            a_hand_off_stays_as_it_was,
            a_malformed_hand_off_is_refused,
            who_opted_out_gets_no_message_and_no_key,
            only_what_was_handed_off_is_released,
            an_opt_out_holds_for_later_campaigns,
            hand_offs_and_opt_outs_come_one_after_the_other,
        );
    };
}

/// A test of every check of [`crate::epoch`].
#[macro_export]
macro_rules! epoch_suite {
    ($start:path) => {
        $crate::checks!($start, epoch:
            a_new_epoch_begins_when_it_is_first_looked_at,
            it_is_rotated_when_it_is_old_enough_and_not_before,
            the_next_look_is_when_it_is_due,
            an_interrupted_rotation_is_ended_at_once,
            what_is_destroyed_is_gone_by_a_date,
        );
    };
}

/// A test of every check of [`crate::guardrails`].
#[macro_export]
macro_rules! guardrails_suite {
    ($start:path) => {
        $crate::checks!($start, guardrails::load:
            what_is_not_held_has_to_be_loaded,
            the_same_files_have_the_same_id,
            what_is_not_known_is_refused_with_its_line,
        );
        $crate::checks!($start, guardrails::verdicts:
            a_brief_passes_or_not,
            a_piece_passes_or_not,
            a_whole_email_passes_or_not,
            the_first_rail_that_says_no_tells_all,
            a_malformed_request_is_refused,
        );
    };
}

/// A test of every check of [`crate::inference`].
#[macro_export]
macro_rules! inference_suite {
    ($start:path) => {
        $crate::checks!($start, inference::checks:
            models_are_listed,
            an_answer_has_openais_shape,
            each_choice_has_its_index,
            the_same_request_has_the_same_answer,
            an_answer_ends_where_it_is_told_to,
            another_model_is_not_found,
            a_request_that_is_none_is_refused,
        );
    };
}

/// A test of every check of [`crate::objects`].
#[macro_export]
macro_rules! objects_suite {
    ($start:path) => {
        $crate::checks!($start, objects:
            what_was_created_is_read,
            the_first_write_stays,
            of_many_who_create_one_does,
            what_is_not_there_is_none,
            a_long_object_is_read_whole_and_a_longer_one_not_at_all,
            buckets_are_apart,
            there_are_five_regions,
        );
    };
}

#[cfg(test)]
mod tests {
    /// The names of the public checks in a source file: `pub async fn NAME(`.
    fn checks(source: &str) -> Vec<&str> {
        source
            .lines()
            .filter_map(|line| line.strip_prefix("pub async fn ")?.split(['(', '<']).next())
            .collect()
    }

    #[test]
    fn no_check_is_left_out_of_its_suite() {
        let listed = include_str!("suites.rs");
        for source in [
            include_str!("compliance/import.rs"),
            include_str!("compliance/summary.rs"),
            include_str!("compliance/pages.rs"),
            include_str!("epoch.rs"),
            include_str!("guardrails/load.rs"),
            include_str!("guardrails/verdicts.rs"),
            include_str!("inference/checks.rs"),
            include_str!("objects.rs"),
        ] {
            let checks = checks(source);
            assert!(checks.len() > 2, "the search would find what is there");
            for check in checks {
                assert!(listed.contains(&format!("            {check},\n")), "{check}");
            }
        }
    }
}
