trigger: {
  product_page_class: 'btn btn--full'
},
modal: {
  additional_styles: "@import url('https://fonts.example.com/css?family=Open+Sans:400,700|Lato');",
  font_family: '"Open Sans","Helvetica Neue",sans-serif;'
}
