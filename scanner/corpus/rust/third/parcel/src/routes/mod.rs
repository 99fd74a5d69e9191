pub mod labels;
pub mod pages;
pub mod shipments;
