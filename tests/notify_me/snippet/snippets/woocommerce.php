<?php if ( is_product() ) : ?>
<script>
  klaviyo.init({ account: "<?= esc_js( $key ) ?>", list: <?= wp_json_encode( $list ) ?> });
  klaviyo.enable("backinstock", {
    trigger: { product_page_text: "<?php esc_html_e( 'Notify me' ); ?>" },
    modal: {
      headline: "{% trans %}Back soon{% endtrans %}",
      body_content: "Tell me when it's back.",
    },
  });
</script>
<?php endif; ?>
