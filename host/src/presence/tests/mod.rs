pub(crate) mod model_card;
