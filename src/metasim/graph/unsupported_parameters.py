"""Unsupported parameters that Meta knows: refused, for an answer of success would be untrue."""

from metasim.graph.catalogue import names
from metasim.graph.errors import GraphError
from metasim.graph.wire import Params

UNSERVED = {
    "campaign": names(
        """
        adset_bid_amounts budget_rebalance_flag budget_schedule_specs frequency_control_specs
        is_budget_schedule_enabled is_direct_send_campaign is_message_campaign
        is_meta_moment_maker_enabled is_pca_unified is_reels_trending_ads_enabled
        iterative_split_test_configs migrate_to_advantage_plus pacing_type special_ad_category
        start_time stop_time
        """
    ),
    "adset": names(
        """
        ad_set_goal attribution_count_type automatic_manual_state bid_adjustments budget_schedule_specs
        budget_source budget_split_set_id campaign_attribution campaign_spec creative_sequence
        creative_sequence_repetition_pattern daily_imps daily_min_spend_target daily_spend_cap
        existing_customer_budget_percentage full_funnel_exploration_mode is_ba_skip_delayed_eligible
        is_budget_schedule_enabled is_dc_follow_optimized is_incremental_attribution_enabled
        is_sequenced_conversion_creation lifetime_imps lifetime_min_spend_target lifetime_spend_cap
        line_number live_video_ad_campaign_config max_budget_spend_percentage meta_moment_maker_spec
        min_budget_spend_percentage multi_event_conversion_attribution_window_seconds
        multi_optimization_goal_weight optimization_sub_event rb_prediction_id relative_value
        rf_prediction_id time_based_ad_rotation_id_blocks time_based_ad_rotation_intervals time_start
        time_stop trending_topics_spec tune_for_category value_rule_set_id value_rules_applied
        """
    ),
    "ad": names(
        """
        ad_schedule_end_time ad_schedule_start_time bid_amount creative_asset_groups_spec
        creative_audience_pairing_persona creative_automation_spec dataset_split_specs draft_adgroup_id
        engagement_audience include_demolink_hashes
        """
    ),
    "creative": names(
        """
        actor_id ad_disclaimer_spec applink_treatment body branded_content
        branded_content_sponsor_page_id bundle_folder_id categorization_criteria category_media_source
        creative_sourcing_spec destination_set_id destination_spec dynamic_ad_voice
        enable_launch_instant_app existing_post_title facebook_branded_content
        format_transformation_spec generative_asset_spec image_file instagram_branded_content
        instagram_permalink_url interactive_components_spec is_dco_internal link_og_id link_url
        marketing_message_structured_spec media_optimization_spec media_sourcing_spec object_id
        object_url omnichannel_link_spec page_welcome_message place_page_set_id platform_customizations
        playable_asset_id portrait_customizations product_suggestion_settings recommender_settings
        regional_regulation_disclaimer_spec source_facebook_post_id template_url title
        wamo_whatsapp_identity_spec
        """
    ),
    "account": names(
        """
        agency_client_declaration attribution_spec business_info currency custom_audience_info
        end_advertiser existing_customers is_ba_skip_delayed_eligible is_notifications_enabled
        media_agency partner timezone_id tos_accepted
        """
    ),
}
NOTHING = (None, "", "false", "0", "[]", "{}", "null")


def refuse_unserved(kind: str, params: Params) -> None:
    """Refuse a parameter whose effect is not simulated, unless it asks for nothing."""
    for name in sorted(UNSERVED[kind] & set(params)):
        if params.text(name) not in NOTHING:
            text = f"(#100) The parameter {name} is not available for this ad account"
            raise GraphError(text, 100, blame=(name,))
