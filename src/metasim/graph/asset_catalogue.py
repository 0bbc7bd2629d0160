"""Catalogue of assets around ad accounts: fields of people, businesses, pages and pixels, and every type's edges.

Transcribed from the public SDK's classes; a test compares the two.
"""

from metasim.graph.catalogue import names

FIELDS: dict[str, frozenset[str]] = {
    "User": names(
        """
        about age_range birthday client_business_id community cover currency education email
        favorite_athletes favorite_teams first_name gender hometown id inspirational_people install_type
        installed is_guest_user is_work_account languages last_name link
        local_news_megaphone_dismiss_status local_news_subscription_status locale location meeting_for
        middle_name name name_format payment_pricepoints political profile_pic quotes
        relationship_status religion shared_login_upgrade_required_by short_name significant_other
        sports supports_donate_button_in_live_video third_party_id timezone token_for_business
        updated_time verified video_upload_limits website
        """
    ),
    "Business": names(
        """
        block_offline_analytics collaborative_ads_managed_partner_business_info
        collaborative_ads_managed_partner_eligibility collaborative_ads_partner_premium_options
        created_by created_time extended_updated_time id is_hidden link
        marketing_messages_onboarding_status name payment_account_id primary_page profile_picture_uri
        timezone_id two_factor_type updated_by updated_time user_access_expire_time verification_status
        vertical vertical_id whatsapp_business_manager_messaging_limit
        """
    ),
    "BusinessUser": names(
        """
        business business_role_request email finance_permission first_name id invited_user_type
        ip_permission last_name marked_for_removal name pending_email role tasks title two_fac_status
        """
    ),
    "Page": names(
        """
        about access_token ad_campaign affiliation app_id artists_we_like attire
        available_promo_offer_ids awards band_interests band_members best_page bio birthday
        booking_agent breaking_news_usage built business can_checkin can_post category category_list
        checkins company_overview connected_instagram_account connected_page_backed_instagram_account
        contact_address copyright_attribution_insights copyright_whitelisted_ig_partners
        country_page_likes cover culinary_team current_location delivery_and_pickup_option_info
        description description_html differently_open_offerings directed_by display_subtext
        displayed_message_response_time does_viewer_have_page_permission_link_ig emails engagement
        fan_count featured_video features followers_count food_styles founded general_info
        general_manager genre global_brand_page_name global_brand_root_id has_added_app has_lead_access
        has_transitioned_to_new_page_experience has_whatsapp_business_number has_whatsapp_number
        hometown hours id impressum influences instagram_business_account is_always_open
        is_calling_eligible is_chain is_community_page is_eligible_for_branded_content
        is_eligible_for_disable_connect_ig_btn_for_non_page_admin_am_web
        is_messenger_bot_get_started_enabled is_messenger_platform_bot is_owned is_permanently_closed
        is_published is_unclaimed is_verified is_webhooks_subscribed keywords
        leadgen_tos_acceptance_time leadgen_tos_accepted leadgen_tos_accepting_user link location
        members merchant_id merchant_review_status messaging_feature_status
        messenger_ads_default_icebreakers messenger_ads_default_quick_replies
        messenger_ads_quick_replies_type mini_shop_storefront mission mpg name
        name_with_location_descriptor network new_like_count offer_eligible overall_star_rating
        owner_business page_backed_threads_account_id page_token parent_page parking payment_options
        personal_info personal_interests pharma_safety_info phone pickup_options place_type plot_outline
        preferred_audience press_contact price_range priority_hours privacy_info_url produced_by
        products promotion_eligible promotion_ineligible_reason public_transit rating_count recipient
        record_label release_date restaurant_services restaurant_specialties schedule screenplay_by
        season single_line_address starring start_info store_code store_location_descriptor store_number
        studio supports_donate_button_in_live_video talking_about_count temporary_status
        unread_message_count unread_notif_count unseen_message_count user_access_expire_time username
        verification_status voip_info website were_here_count whatsapp_number written_by
        """
    ),
    "AdsPixel": names(
        """
        automatic_matching_fields can_proxy code config creation_time creator data_use_setting
        description duplicate_entries enable_auto_assign_to_accounts enable_automatic_matching
        event_stats event_time_max event_time_min first_party_cookie_status has_1p_pixel_event id
        is_consolidated_container is_created_by_business is_crm is_mta_use is_restricted_use
        is_unavailable last_fired_time last_upload_app last_upload_app_changed_time match_rate_approx
        matched_entries name owner_ad_account owner_business usage user_access_expire_time valid_entries
        """
    ),
    "IGUser": names(
        """
        biography business_discovery collaborative_media_search followers_count follows_count
        has_profile_pic id ig_id is_published legacy_instagram_user_id media_count mentioned_comment
        mentioned_media mini_shop_storefront name owner_business profile_picture_url
        shopping_product_tag_eligibility shopping_review_status username website
        """
    ),
    "CustomConversion": names(
        """
        account_id action_source_type advanced_rule aggregation_rule business creation_time
        custom_conversion_id custom_event_type data_sources default_conversion_value description
        event_source_id event_source_type first_fired_time id is_archived is_unavailable last_fired_time
        name offline_conversion_data_set pixel retention_days rule
        """
    ),
}

EDGES: dict[str, frozenset[str]] = {
    "AdAccount": names(
        """
        account_controls activities ad_place_page_sets ad_saved_keywords ad_studies adcloudplayables
        adcreatives adcreativesbylabels adimages adlabels adplayables adrules_history adrules_library
        ads ads_reporting_mmm_reports ads_reporting_mmm_schedulers ads_volume adsbylabels adsets
        adsetsbylabels adspixels advertisable_applications advideos affectedadsets agencies applications
        assigned_users async_requests asyncadcreatives asyncadrequestsets audience_funnel
        broadtargetingcategories businessprojects campaigns campaignsbylabels
        connected_instagram_accounts connected_instagram_accounts_with_iabp conversion_goals
        customaudiences customaudiencestos customconversions delivery_estimate deprecatedtargetingadsets
        dsa_recommendations generatepreviews impacting_ad_studies insights instagram_accounts
        ios_fourteen_campaign_limits matched_search_applications max_bid mcmeconversions
        message_delivery_estimate minimum_budgets onbehalf_requests promote_pages publisher_block_lists
        reachestimate reachfrequencypredictions recommendations saved_audiences subscribed_apps
        targetingbrowse targetingsearch targetingsentencelines targetingsuggestions targetingvalidation
        tracking users value_rule_set video_ads
        """
    ),
    "AdCampaignGroup": names(
        """
        ad_studies adrules_governed ads adsets budget_schedules copies insights
        """
    ),
    "AdCampaign": names(
        """
        activities ad_studies adcreatives adrules_governed ads asyncadrequests budget_schedules copies
        delivery_estimate insights message_delivery_estimate targetingsentencelines
        """
    ),
    "AdGroup": names(
        """
        adcreatives adrules_governed copies insights leads previews targetingsentencelines
        """
    ),
    "AdCreative": names(
        """
        creative_insights previews
        """
    ),
    "AdLabel": names(
        """
        adcreatives ads adsets campaigns
        """
    ),
    "Video": names(
        """
        boost_ads_list captions collaborators comments crosspost_shared_pages likes poll_settings polls
        sponsor_tags tags thumbnails video_insights
        """
    ),
    "User": names(
        """
        accounts ad_studies adaccounts albums apprequestformerrecipients apprequests
        assigned_ad_accounts assigned_applications assigned_business_asset_groups
        assigned_instagram_accounts assigned_pages assigned_product_catalogs
        assigned_whatsapp_business_accounts business_users businesses conversations custom_labels events
        feed friends fundraisers groups ids_for_apps ids_for_business ids_for_pages likes live_videos
        music payment_transactions permissions personal_ad_accounts photos picture posts
        rich_media_documents videos
        """
    ),
    "Business": names(
        """
        ad_account_infos ad_custom_derived_metrics ad_studies adnetworkanalytics
        adnetworkanalytics_results ads_dataset ads_reporting_mmm_reports ads_reporting_mmm_schedulers
        adspixels agencies an_placements business_asset_groups business_invoices business_users
        businessprojects client_ad_accounts client_apps client_instagram_assets
        client_offsite_signal_container_business_objects client_pages client_pixels
        client_product_catalogs client_whatsapp_business_accounts clients
        collaborative_ads_collaboration_requests collaborative_ads_suggested_partners
        commerce_merchant_settings cpas_business_setup_config cpas_merchant_config creditcards
        event_source_groups extendedcreditapplications extendedcredits
        initiated_audience_sharing_requests instagram_accounts instagram_business_accounts
        managed_partner_ads_funding_source_details openbridge_configurations owned_ad_accounts
        owned_apps owned_businesses owned_instagram_accounts owned_instagram_assets
        owned_offsite_signal_container_business_objects owned_pages owned_pixels owned_product_catalogs
        owned_whatsapp_business_accounts partner_account_linking pending_client_ad_accounts
        pending_client_apps pending_client_pages pending_owned_ad_accounts pending_owned_pages
        pending_shared_offsite_signal_container_business_objects pending_users picture
        preverified_numbers received_audience_sharing_requests reseller_guidances
        self_certified_whatsapp_business_submissions system_users third_party_measurement_report_dataset
        """
    ),
    "BusinessUser": names(
        """
        assigned_ad_accounts assigned_business_asset_groups assigned_pages assigned_product_catalogs
        assigned_whatsapp_business_accounts
        """
    ),
    "Page": names(
        """
        ab_tests ads_eligibility ads_posts agencies albums ar_experience assigned_users blocked
        businessprojects call_to_actions canvas_elements canvases chat_plugin commerce_merchant_settings
        commerce_orders commerce_payouts commerce_transactions conversations crosspost_whitelisted_pages
        ctx_optimization_eligibility custom_labels custom_user_settings dataset events fantasy_games
        feed global_brand_children image_copyrights indexed_videos insights instagram_accounts
        leadgen_forms likes live_videos locations media_fingerprints message_templates
        messaging_feature_review messenger_call_permissions messenger_call_settings messenger_lead_forms
        messenger_profile notification_message_tokens page_backed_instagram_accounts personas photos
        picture posts product_catalogs published_posts ratings roles rtb_dynamic_posts scheduled_posts
        settings shop_setup_status space_participants store_locations stories subscribed_apps tabs
        tagged thread_owner threads video_copyright_rules video_lists video_reels videos visitor_posts
        welcome_message_flows
        """
    ),
    "AdsPixel": names(
        """
        adaccounts agencies assigned_users da_checks offline_event_uploads openbridge_configurations
        shared_accounts shared_agencies stats
        """
    ),
    "IGUser": names(
        """
        agencies authorized_adaccounts available_catalogs branded_content_ad_permissions
        branded_content_advertisable_medias branded_content_tag_approval catalog_product_search
        collaboration_invites collaborative_media connected_threads_user content_publishing_limit
        conversations creator_marketplace_creators dataset insights instagram_backed_threads_user
        live_media media messenger_profile notification_message_tokens product_appeal
        recently_searched_hashtags scheduled_media stories subscribed_apps tags thread_owner
        upcoming_events welcome_message_flows
        """
    ),
    "CustomConversion": names(
        """
        stats
        """
    ),
}
