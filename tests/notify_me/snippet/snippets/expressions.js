var klaviyo = klaviyo || [], ACCENT = '#0a7';
klaviyo?.init({
  'account': `AbC` + "987",
  inventory_quantity_threshold: 0x2,
  is_allow_for_preorder: !1,
  is_allow_for_unmanaged_inventory: !0,
  display_on_policy_continue: "yes",
  variant_id_element: 'select[name="id"]',
  variant_id_attribute: null,
  trigger: { product_page_text: "Lost: the trigger in enable replaces this one" },
  exclude_on_tag: 'sale',
});
window.klaviyo.enable(("backinstock"), {
  ["trigger"]: {
    replace_sold_out: true,
    alternate_anchor: 'AddToCart' + '--' + 1,
    product_page_margin: -4 + "px 0 0",
    product_page_classes: 'btn',
    product_page_text: function () { return document.title; },
    onClick() { return 1; },
  },
  modal: {
    ...defaults,
    z_index: -1,
    headers_font_family: `Georgia,
serif`,
    background_color: ACCENT,
    button_background_color: dark ? '#000' : ACCENT,
    text_color: undefined,
    body_content: "Line one \
and two \x41\u{1F600}\ud83d\ude00 </script> 'quoted' \"too\"",
    close_label: `Bye ${name}`,
    is_powered_by_link: true,
    is_quantity_field_enabled: true,
    quantity_field_label: "How many",
    styles: "body { color: red }",
    close_color: "#ccc",
    success_text_color: "#1B9500", success_text_color: "#060",
  },
  subscribe_checked: false,
});
