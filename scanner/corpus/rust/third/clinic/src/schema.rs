diesel::table! {
    patients (id) {
        id -> Int4,
        name -> Text,
        ward -> Text,
    }
}
