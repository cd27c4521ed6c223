use super::Contract;
use crate::{
    model::notification::Delivery,
    sinks::{Message, tests::json},
};

pub const CONTRACT: Contract = Contract {
    status: |_| "misconfigured",
    limits: every_alert_is_in_it,
    harmless: |_| Ok(()),
    retry_after: false,
};

pub fn every_alert_is_in_it(message: &Message, delivery: &Delivery) {
    let told = json(message)["alerts"].as_array().unwrap().len();
    assert_eq!(told, delivery.notification.alerts.len(), "every alert is in it");
}
