//! The rules of the engine *compliance*.

use crate::fixed_rule::fixed_rules;

fixed_rules! {
    LICENCE_COPYLEFT_STRONG = "licence-copyleft-strong", "a licence that asks for the source of all that is built with it", Low, None,
        "ask whoever answers for licences, or take something else";
    LICENCE_SOURCE_AVAILABLE = "licence-source-available", "a licence that forbids some uses", Low, None,
        "ask whoever answers for licences, or take something else";
    LICENCE_NOT_ALLOWED = "licence-not-allowed", "a licence that is not on the list of those that are allowed", Low, None,
        "ask whoever answers for licences, or take something else";
    LICENCE_UNKNOWN = "licence-unknown", "a licence that nobody can tell", Low, None,
        "name it by its SPDX identifier, or ask who wrote it";
    PAYMENT_CARD = "payment-card", "numbers of payment cards", Medium, Some(359),
        "take them out; for tests use the numbers that card schemes publish for that";
    IBAN = "iban", "numbers of bank accounts", Medium, Some(359),
        "take them out; for tests use the examples of the IBAN registry";
    NATIONAL_ID = "national-id", "numbers by which a state knows a person", Medium, Some(359),
        "take them out; for tests make up numbers whose check digits are wrong";
    BULK_EMAIL = "bulk-email", "addresses of hundreds of people", Medium, Some(359),
        "take them out, or send what is needed without the addresses";
    MARKING_FORMAL = "marking-formal", "a marking of a government, an alliance or the traffic light protocol", Medium, Some(200),
        "ask the originator whether it may come here";
    MARKING_COMPANY = "marking-company", "a marking as confidential", Low, Some(200),
        "ask the owner whether it may come here, or take the marking off";
}

/// The rule of that id.
pub(super) fn of(id: &str) -> Option<&'static crate::fixed_rule::FixedRule> {
    ALL.iter().find(|rule| rule.id == id)
}
