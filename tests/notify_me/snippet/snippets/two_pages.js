// klaviyo-setup.js: one file for product pages and for the shop's listings
function initKlaviyo() {
    let klaviyo = window.klaviyo || false;
    if (klaviyo !== false) {
        klaviyo.logging(false);
        if (document.querySelector('.pdp__grid')) {
            klaviyo.init({ account: "M38abc", list: 'JuPxyz', logging: false, platform: "shopify" });
            klaviyo.enable("backinstock");
        } else {
            klaviyo.init({
                account: "M38abc",
                platform: "shopify",
                list: 'JuPxyz',
                is_quick_view: true,
            });
            klaviyo.enable("backinstock", {
                trigger: {
                    collection_page_class: 'button',
                    collection_page_text_align: 'center',
                    collection_page_width: '200px',
                    collection_page_text: 'Notify Me',
                    collection_page_padding: 'inherit'
                    // replace_anchor: false,
                    // replace_sold_out: true
                },
                modal: {
                    newsletter_subscribe_label: "Add me to the mailing list!",
                    headline: "Join the waitlist",
                    body_content: "",
                    email_field_label: "Your Email Address",
                    button_label: "SUBMIT",
                }
            });
            klaviyo.enable("backinstock", { modal: { headline: "Too late", close_label: "OK" } });
            klaviyo.enable("reviews", {});
        }
    }
}
document.addEventListener('DOMContentLoaded', initKlaviyo);
