"""Story specs of creatives: the keys of each part, links, calls to action and cards, and creative features.

Keys are transcribed from the public SDK's classes; a test compares the two.
"""

from typing import Any

from metasim.facts import CALLS_TO_ACTION, LINK_LIMIT
from metasim.graph.asset_feeds import check_image, is_address
from metasim.graph.catalogue import names
from metasim.graph.errors import GraphError, malformed, refusal
from metasim.scenario import Account
from metasim.world import World

Part = dict[str, Any]
CARDS = (2, 10)
KEYS = {
    "object_story_spec": names(
        """
        instagram_user_id link_data page_id photo_data product_data template_data text_data video_data
        whats_app_business_phone_number
        """
    ),
    "link_data": names(
        """
        ad_context additional_image_index app_link_spec attachment_style automated_product_tags
        boosted_product_set_id branded_content_shared_to_sponsor_status branded_content_sponsor_page_id
        call_to_action caption child_attachments collection_thumbnails customization_rules_spec
        description event_id force_single_link format_option image_crops image_hash image_layer_specs
        image_overlay_spec is_local_expansion link message multi_share_end_card multi_share_optimized
        name offer_id page_welcome_message picture post_click_configuration preferred_image_tags
        preferred_video_tags retailer_item_ids show_multiple_images smart_pse_enabled
        static_fallback_spec use_flexible_image_aspect_ratio
        """
    ),
    "template_data": names(
        """
        ad_context additional_image_index app_link_spec attachment_style automated_product_tags
        boosted_product_set_id branded_content_shared_to_sponsor_status branded_content_sponsor_page_id
        call_to_action caption child_attachments collection_thumbnails customization_rules_spec
        description event_id force_single_link format_option image_crops image_hash image_layer_specs
        image_overlay_spec is_local_expansion link message multi_share_end_card multi_share_optimized
        name offer_id page_welcome_message picture post_click_configuration preferred_image_tags
        preferred_video_tags retailer_item_ids show_multiple_images smart_pse_enabled
        static_fallback_spec use_flexible_image_aspect_ratio
        """
    ),
    "video_data": names(
        """
        additional_image_index branded_content_shared_to_sponsor_status branded_content_sponsor_page_id
        call_to_action collection_thumbnails customization_rules_spec image_hash image_url
        link_description message offer_id page_welcome_message post_click_configuration
        retailer_item_ids targeting title video_id
        """
    ),
    "photo_data": names(
        """
        branded_content_shared_to_sponsor_status branded_content_sponsor_page_id caption image_hash
        page_welcome_message url
        """
    ),
    "text_data": names(
        """
        message
        """
    ),
    "call_to_action": names(
        """
        type value
        """
    ),
    "value": names(
        """
        android_url app_destination app_link application event_id ios_url land_on_whatsapp_catalog
        land_on_whatsapp_profile lead_gen_form_id link link_caption link_format object_store_urls page
        product_link whatsapp_number
        """
    ),
    "child_attachments": names(
        """
        android_url call_to_action caption description ig_media_id image_crops image_hash ios_url link
        marketing_message_buttons name picture place_data static_card video_id
        """
    ),
}
FEATURES = names(
    """
    adapt_to_placement add_text_overlay ads_with_benefits advantage_plus_creative app_highlights audio
    auto_promotion_tag biz_ai carousel_to_video catalog_feed_tag creative_stickers
    customize_product_recommendation cv_transformation description_automation dha_optimization
    dynamic_cta_text dynamic_partner_content enable_ncs_testimonials enhance_cta fb_feed_tag
    fb_reels_tag fb_story_tag feed_caption_optimization generate_cta hide_price hyperlink_formatting
    ig_feed_tag ig_glados_feed ig_reels_tag ig_stream_tag ig_video_native_subtitle image_animation
    image_auto_crop image_background_gen image_banner image_brightness_and_contrast image_end_card
    image_enhancement image_templates image_text_translation image_touchups image_uncrop inline_comment
    local_store_extension media_liquidity_animated_image media_order media_type_automation
    multi_creative_post_carousel multi_photo_to_video music_generation pac_genai_recomposition
    pac_recomposition pac_relaxation product_browsing product_extensions product_metadata_automation
    product_tags profile_card profile_extension replace_media_text reveal_details_over_time
    show_destination_blurbs show_summary site_extensions standard_enhancements
    standard_enhancements_catalog text_extraction_for_headline text_extraction_for_tap_target
    text_formatting_optimization text_generation text_optimizations text_overlay_translation
    text_translation translate_voiceover video_auto_crop video_filtering video_highlight
    video_highlights video_to_image video_uncrop video_uncrop_9x16_to_9x18 video_voiceover
    wa_mm_image_filtering wa_mm_text_truncation_length
    """
)


def check_keys(part: Part, kind: str) -> None:
    """Refuse keys that a part of a story does not have."""
    unknown = sorted(set(part) - KEYS[kind])
    if unknown:
        text = f"(#100) The parameter object_story_spec has an unknown key: {kind}[{unknown[0]}]"
        raise GraphError(text, 100, blame=("object_story_spec",))


def check_link(link: Any, where: str) -> None:
    """Refuse what is no web address, or a longer one than Meta takes."""
    text = str(link or "")
    if not is_address(text):
        raise refusal(None, "Link required", f"{where} needs a web address.", "object_story_spec")
    if len(text) > LINK_LIMIT:
        raise malformed(f"object_story_spec[{where}][link]", f"at most {LINK_LIMIT} characters long")


def check_call_to_action(action: Any) -> None:
    """Refuse calls to action of an unknown type, with unknown values or with a link that is none."""
    if action is None:
        return
    if not isinstance(action, dict) or str(action.get("type")) not in CALLS_TO_ACTION:
        raise refusal(1373054, "Unknown call to action", "The type is not known.", "call_to_action")
    check_keys(action, "call_to_action")
    value = action.get("value")
    if value is None:
        return
    if not isinstance(value, dict):
        raise malformed("call_to_action[value]", "a JSON object")
    check_keys(value, "value")
    if "link" in value:
        check_link(value["link"], "call_to_action")


def check_cards(world: World, account: Account, cards: Any) -> None:
    """Refuse carousels of one card or more than ten, and cards without a link or with an image nobody has."""
    if cards is None:
        return
    fewest, most = CARDS
    if not isinstance(cards, list) or not all(isinstance(card, dict) for card in cards):
        raise malformed("child_attachments", "an array of objects")
    if not fewest <= len(cards) <= most:
        text = f"A carousel has {fewest} to {most} cards."
        raise refusal(None, "Number of cards", text, "object_story_spec")
    for card in cards:
        check_keys(card, "child_attachments")
        check_link(card.get("link"), "child_attachments")
        check_image(world, account, card.get("image_hash"))
        check_call_to_action(card.get("call_to_action"))


def check_features(freedom: Any) -> None:
    """Refuse unknown creative features, the bundle that is gone, and features that say neither in nor out."""
    if not isinstance(freedom, dict):
        raise malformed("degrees_of_freedom_spec", "a JSON object")
    features = freedom.get("creative_features_spec") or {}
    if not isinstance(features, dict):
        raise malformed("creative_features_spec", "a JSON object")
    if "standard_enhancements" in features:
        text = "Choose each creative feature by itself."
        raise refusal(3858504, "Standard enhancements removed", text, "degrees_of_freedom_spec")
    for name, feature in features.items():
        if name not in FEATURES:
            raise refusal(
                None, "Unknown feature", f"{name} is no creative feature.", "degrees_of_freedom_spec"
            )
        if not isinstance(feature, dict) or feature.get("enroll_status") not in ("OPT_IN", "OPT_OUT"):
            text = f"{name} needs OPT_IN or OPT_OUT."
            raise refusal(3858082, "Enrolment missing", text, "degrees_of_freedom_spec")
